"""Muon for networks with a norm after every convolution: orthogonalised updates, fixed filter norm.

After K. Jordan's airbench94_muon (2024). timm's Muon lets filter norms grow: in front of a norm layer that
does not change the output, but it lowers the effective learning rate of every later update.
"""

from typing import Any

import torch
from torch import Tensor

# Newton-Schulz coefficients that take small singular values to about 1 fastest (K. Jordan, 2024).
LINEAR, CUBIC, QUINTIC = 3.4445, -4.7750, 2.0315
STEPS = 3


class FilterMuon(torch.optim.Optimizer):
    """Muon on convolution filters, SGD with Nesterov momentum on everything else.

    A layer's filters [O, I, H, W] are rescaled to the norm sqrt(O), then updated by `lr` times the
    orthogonalised momentum: `lr` sets the angle of a step, and weight decay would have no effect.
    Other parameters decay by `weight_decay`, as in torch's SGD.
    """

    def __init__(self, groups: Any, *, lr: float, momentum: float, weight_decay: float) -> None:
        super().__init__(groups, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """Update every parameter that has a gradient."""
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
    """A matrix [M, N] with its singular values moved to about 1 (0.7 to 1.2, the smallest lower).

    Newton-Schulz iteration on the smaller Gram matrix, of which every factor is a polynomial: the
    long side is multiplied twice in total instead of twice per step.
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
