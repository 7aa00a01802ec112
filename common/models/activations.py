"""What turns a network's outputs into probs, by the name that a target gives it."""

from collections.abc import Callable

import torch
from torch import Tensor

from common.targets import Target

Activation = Callable[[Tensor], Tensor]


def softmax(outputs: Tensor) -> Tensor:
    """Outputs [..., C] to class probabilities that sum to 1."""
    return outputs.softmax(dim=-1)


def cumulative(outputs: Tensor) -> Tensor:
    """Outputs [..., C - 1], one for 'above grade k' each, to the chances of C grades.

    A grade above k + 1 is above k as well: where the outputs say otherwise, the lower chance holds.
    """
    above = outputs.sigmoid().cummin(dim=-1).values
    first = torch.ones_like(above[..., :1])
    return torch.cat([first, above], dim=-1) - torch.cat([above, 0 * first], dim=-1)


KNOWN: dict[str, Activation] = {
    "softmax": softmax,
    "sigmoid": torch.sigmoid,
    "range": torch.sigmoid,
    "identity": lambda outputs: outputs,
    "cumulative": cumulative,
}


def activation_of(target: Target, loss: str) -> Activation:
    """The activation of a target's outputs when they were trained with a loss: [..., O] to [..., C]."""
    activate, (shift, scale) = KNOWN[target.activation(loss)], target.scaling
    if not scale:
        return activate
    low, high = target.clamped

    def scaled(outputs: Tensor) -> Tensor:
        unit = activate(outputs)
        by, to = (torch.tensor(each, device=unit.device) for each in (scale, shift))
        numbers = unit * by + to
        return numbers if low is None and high is None else numbers.clamp(low, high)

    return scaled
