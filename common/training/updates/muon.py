"""Muon for networks with a norm after every convolution: orthogonalised updates, fixed filter norm.

After K. Jordan's airbench94_muon (2024). timm's Muon lets filter norms grow: in front of a norm layer that
does not change the output, but it lowers the effective learning rate of every later update.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

# Newton-Schulz coefficients that take small singular values to about 1 fastest (K. Jordan, 2024).
LINEAR, CUBIC, QUINTIC = 3.4445, -4.7750, 2.0315
STEPS = 3
REST_MOMENTUM = 0.85  # of all that is no filter, whatever the filters' own (K. Jordan, 2024)


class FilterMuon(torch.optim.Optimizer):
    """Muon on convolution filters, SGD with Nesterov momentum on everything else.

    A layer's filters [O, I, H, W] are rescaled to the norm sqrt(O), then updated by `lr` times the
    orthogonalised momentum: `lr` sets the angle of a step, and weight decay would have no effect.
    Other parameters decay by `weight_decay`, as in torch's SGD, with a momentum of `REST_MOMENTUM`.
    """

    def __init__(self, groups: Any, *, lr: float, momentum: float, weight_decay: float) -> None:
        super().__init__(groups, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """Update every parameter that has a gradient: a group's tensors at once, not one by one."""
        for group in self.param_groups:
            moved = [p for p in group["params"] if p.grad is not None]
            filters, rest = [p for p in moved if p.ndim == 4], [p for p in moved if p.ndim != 4]
            if rest:
                decayed = list(
                    torch._foreach_add(_gradients(rest), rest, alpha=group["weight_decay"])
                )
                ahead = self._nesterov(rest, decayed, REST_MOMENTUM)
                torch._foreach_add_(rest, ahead, alpha=-group["lr"])
            if filters:
                ahead = self._nesterov(filters, _gradients(filters), group["momentum"])
                turns = orthogonal([each.flatten(1) for each in ahead])
                norms = torch._foreach_norm(filters)
                for p, norm, turn in zip(filters, norms, turns, strict=True):
                    p.mul_(len(p) ** 0.5 / norm.clamp_min(1e-12))
                    p.sub_(turn.view(p.shape), alpha=group["lr"])

    def _nesterov(
        self, parameters: Sequence[Tensor], gradients: list[Tensor], momentum: float
    ) -> list[Tensor]:
        """Update the parameters' momentum buffers; the gradients looked ahead by them."""
        for p in parameters:
            if not self.state[p]:
                self.state[p]["momentum"] = torch.zeros_like(p)
        buffers = [self.state[p]["momentum"] for p in parameters]
        torch._foreach_mul_(buffers, momentum)
        torch._foreach_add_(buffers, gradients)
        return list(torch._foreach_add(gradients, buffers, alpha=momentum))


def orthogonal(matrices: Sequence[Tensor]) -> list[Tensor]:
    """Matrices [M, N] with their singular values moved to about 1 (0.7 to 1.2, the smallest lower).

    Newton-Schulz iteration on the smaller Gram matrix, of which every factor is a polynomial: the
    long side is multiplied twice in total instead of twice per step. Gram matrices of one size
    iterate as one batch.
    """
    wide = [each if len(each) <= each.shape[1] else each.T for each in matrices]
    wide = [each / each.norm().clamp_min(1e-12) for each in wide]
    alike: dict[int, list[int]] = defaultdict(list)
    for place, each in enumerate(wide):
        alike[len(each)].append(place)
    for places in alike.values():
        factors = _newton_schulz(torch.stack([wide[place] @ wide[place].T for place in places]))
        for place, factor in zip(places, factors, strict=True):
            wide[place] = factor @ wide[place]
    return [
        each if len(matrix) <= matrix.shape[1] else each.T
        for matrix, each in zip(matrices, wide, strict=True)
    ]


def _newton_schulz(gram: Tensor) -> Tensor:
    """Gram matrices [K, M, M] to the products [K, M, M] of the iteration's factors."""
    eye = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device).expand_as(gram)
    total = eye
    for _ in range(STEPS):
        factor = torch.baddbmm(gram, gram, gram, beta=CUBIC, alpha=QUINTIC) + LINEAR * eye
        total, gram = factor @ total, factor @ gram @ factor
    return total


def _gradients(parameters: Sequence[Tensor]) -> list[Tensor]:
    return [p.grad for p in parameters if p.grad is not None]
