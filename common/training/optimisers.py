"""Optimisers by name through timm, with norms and biases free of weight decay."""

import difflib
from typing import Any

import torch
from timm.optim import create_optimizer_v2, list_optimizers, param_groups_weight_decay
from torch import nn

from common.recipe import Recipe


def build_optimiser(model: nn.Module, recipe: Recipe, lr: float) -> torch.optim.Optimizer:
    """An optimiser over the parameters that require a gradient.

    `sgd` is Nesterov's, as in timm; `momentum` is the recipe's momentum or Adam's first beta.
    """
    settings: dict[str, object] = {}
    if "adam" in recipe.optimizer or recipe.optimizer in ("lamb", "lion"):
        settings["betas"] = (recipe.momentum, 0.99 if recipe.optimizer == "lion" else 0.999)
    spared: Any = getattr(model, "no_weight_decay", tuple)()
    groups = param_groups_weight_decay(model, recipe.weight_decay, spared)
    optimiser: torch.optim.Optimizer = create_optimizer_v2(
        groups,
        opt=recipe.optimizer,
        lr=lr,
        weight_decay=recipe.weight_decay,
        momentum=recipe.momentum,
        **settings,
    )
    return optimiser


def check_optimiser(name: str) -> None:
    """Raise a ValueError that names the nearest when timm has no optimiser of this name."""
    if name not in list_optimizers():
        close = difflib.get_close_matches(name, list_optimizers(), n=3, cutoff=0.4)
        raise ValueError(
            f"optimizer={name}: timm has none of that name; "
            f"the nearest are {', '.join(close or ['sgd', 'adamw'])}"
        )


def set_rate(optimiser: torch.optim.Optimizer, lr: float) -> None:
    """Set every group's rate to its own scale of `lr`."""
    for group in optimiser.param_groups:
        group["lr"] = lr * group.get("lr_scale", 1.0)
