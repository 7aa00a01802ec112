"""Optimisers by name (timm's, kit_muon) over parameter groups; norms and biases do not decay."""

import difflib
from typing import Any

import torch
from timm.optim import create_optimizer_v2, list_optimizers, param_groups_layer_decay
from torch import nn

from common.errors import KitError
from common.models.heads import heads_of
from common.models.whitening import Whitening
from common.recipe import Recipe
from common.training.updates.muon import FilterMuon

KIT_MUON = "kit_muon"  # not timm's
SHIFTED = (Whitening, nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)


def build_optimiser(model: nn.Module, recipe: Recipe, lr: float) -> torch.optim.Optimizer:
    """A recipe's optimiser over a model's parameters that require a gradient."""
    return optimiser_for_groups(parameter_groups(model, recipe), recipe, lr)


def optimiser_for_groups(
    groups: list[dict[str, Any]], recipe: Recipe, lr: float
) -> torch.optim.Optimizer:
    """A recipe's optimiser over given parameter groups: timm's, or the kit's `kit_muon`.

    `sgd` is Nesterov's, as in timm; `momentum` is the recipe's momentum or Adam's first beta.
    """
    if recipe.optimizer == KIT_MUON:
        return FilterMuon(groups, lr=lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay)
    # Nesterov needs a momentum; timm's name for SGD without Nesterov is "momentum".
    name = "momentum" if recipe.optimizer == "sgd" and not recipe.momentum else recipe.optimizer
    settings: dict[str, object] = {}
    if "muon" in recipe.optimizer:  # K. Jordan's scaling (2024): one update size for all layers
        settings["adjust_lr_fn"] = "original"
    elif "adam" in recipe.optimizer or recipe.optimizer in ("lamb", "lion"):
        settings["betas"] = (recipe.momentum, 0.99 if recipe.optimizer == "lion" else 0.999)
    optimiser: torch.optim.Optimizer = create_optimizer_v2(
        groups,
        opt=name,
        lr=lr,
        weight_decay=recipe.weight_decay,
        momentum=recipe.momentum,
        **settings,
    )
    return optimiser


def parameter_groups(model: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """A model's trainable parameters in groups of `params`, `lr_scale` and `weight_decay`.

    The head's lr is `head_lr_scale` times the recipe's; each layer of timm's `group_matcher` has
    `layer_decay` times the lr of the next (BEiT, 2021), and the biases of norms and whitening
    `norm_bias_lr_scale` times that.
    Norms, biases and the network's `no_weight_decay` parameters do not decay.
    """
    no_decay: Any = getattr(model, "no_weight_decay", tuple)()
    head = {id(p) for each in heads_of(model) for p in each.parameters()}
    biases = {
        id(each.bias)
        for each in model.modules()
        if isinstance(each, SHIFTED) and each.bias is not None
    }
    groups: dict[tuple[float, float, bool], list[nn.Parameter]] = {}
    for layer in param_groups_layer_decay(
        model, recipe.weight_decay, no_decay, layer_decay=recipe.layer_decay
    ):
        for parameter in layer["params"]:
            # The head is not scaled by layer decay; everything else counts as below it.
            scale = recipe.head_lr_scale if id(parameter) in head else layer["lr_scale"]
            scale *= recipe.norm_bias_lr_scale if id(parameter) in biases else 1.0
            key = (scale, layer["weight_decay"], id(parameter) in head)
            groups.setdefault(key, []).append(parameter)
    # timm's Muon hands the head to AdamW (use_fallback): its rows share no space to orthogonalise in.
    return [
        {"params": members, "lr_scale": scale, "weight_decay": decay, "use_fallback": is_head}
        for (scale, decay, is_head), members in groups.items()
    ]


def check_optimiser(name: str) -> None:
    """Refuse an optimiser name that timm lacks or that fails on a test parameter.

    Raises:
        KitError: timm has none of this name (the message lists the nearest), or it does not work here.
    """
    if name == KIT_MUON:
        return
    if name not in list_optimizers():
        close = difflib.get_close_matches(name, [*list_optimizers(), KIT_MUON], n=3, cutoff=0.4)
        raise KitError(
            f"optimizer={name}: timm has none of that name; "
            f"the nearest are {', '.join(close or ['sgd', 'adamw'])}"
        )
    if name.startswith("kron") or name == "adahessian":
        raise KitError(f"optimizer={name} needs more than a gradient; set adamw or another")
    parameter = nn.Parameter(torch.ones(2, 2))
    parameter.grad = torch.ones(2, 2)
    try:
        create_optimizer_v2([parameter], opt=name, lr=0.1, momentum=0.9).step()
    except (AssertionError, RuntimeError, ImportError, TypeError) as error:
        raise KitError(f"optimizer={name} does not work here ({error}): set adamw") from error


def set_lr(optimiser: torch.optim.Optimizer, lr: float) -> None:
    """Set every group's learning rate to `lr` times its `lr_scale`."""
    for group in optimiser.param_groups:
        group["lr"] = lr * group.get("lr_scale", 1.0)
