"""Muon for networks that norm after every convolution: orthogonal updates of filters of one size.

After K. Jordan's airbench94_muon (2024). timm's Muon is for networks in general, and lets filters grow:
behind a norm that changes nothing they say, but makes every later update of a given rate turn them less.
"""

from typing import Any

import torch
from torch import Tensor

# Of the polynomial that brings singular values near 1, fastest for small ones (K. Jordan, 2024).
LINEAR, CUBIC, QUINTIC = 3.4445, -4.7750, 2.0315
STEPS = 3


class FilterMuon(torch.optim.Optimizer):
    """Muon over the convolutions' filters, Nesterov's SGD over everything else.

    A layer's filters [O, I, H, W] are brought to the norm sqrt(O), then move by `lr` times the
    momentum's nearest orthogonal matrix: the rate is the angle by which a step turns them, and decay
    would have no meaning. What is not a convolution decays by `weight_decay`, as in torch's SGD.
    """

    def __init__(self, groups: Any, *, lr: float, momentum: float, weight_decay: float) -> None:
        super().__init__(groups, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            rate, momentum, decay = group["lr"], group["momentum"], group["weight_decay"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                filters = p.ndim == 4
                gradient = p.grad if filters else p.grad.add(p, alpha=decay)
                state = self.state[p]
                if not state:
                    state["momentum"] = torch.zeros_like(p)
                ahead = gradient.add(
                    state["momentum"].mul_(momentum).add_(gradient), alpha=momentum
                )
                if filters:
                    p.mul_(len(p) ** 0.5 / p.norm().clamp_min(1e-12))
                    ahead = orthogonal(ahead.flatten(1)).view(p.shape)
                p.sub_(ahead, alpha=rate)


def orthogonal(matrix: Tensor) -> Tensor:
    """A matrix [M, N] with its singular values brought to about 1 (0.7 to 1.2, the smallest lower).

    Newton and Schulz's iteration on the smaller Gram matrix, of which every factor is a polynomial: the
    long side is multiplied twice in all instead of twice a step.
    """
    wide = matrix if len(matrix) <= matrix.shape[1] else matrix.T
    wide = wide / wide.norm().clamp_min(1e-12)
    gram = wide @ wide.T
    total = eye = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    for _ in range(STEPS):
        factor = LINEAR * eye + CUBIC * gram + QUINTIC * (gram @ gram)
        total, gram = factor @ total, factor @ gram @ factor
    wide = total @ wide
    return wide if len(matrix) <= matrix.shape[1] else wide.T
