"""Gradient checkpointing by timm: activations are computed again in the backward pass, not kept.

T. Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016). Dropout repeats its draws, because
torch restores the generators' states for the second computation.
"""

from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from common.errors import KitError
from common.recipe import Recipe


def set_grad_checkpointing(model: nn.Module) -> None:
    """Turn gradient checkpointing on; gradients and batch-norm statistics stay what they were."""
    model.set_grad_checkpointing(True)  # type: ignore[operator]
    _update_statistics_once(model)


def supports_grad_checkpointing(model: nn.Module) -> bool:
    """Does the network support it? It stays off."""
    try:
        model.set_grad_checkpointing(True)  # type: ignore[operator]
        model.set_grad_checkpointing(False)  # type: ignore[operator]
    except (AttributeError, AssertionError, NotImplementedError):
        return False
    return True


def check_grad_checkpointing(model: nn.Module, recipe: Recipe) -> None:
    """Raise a KitError where the recipe wants it and the network does not support it."""
    if recipe.grad_checkpointing and not supports_grad_checkpointing(model):
        raise KitError(
            f"grad_checkpointing: timm has none for backbone={recipe.backbone}; set "
            "grad_checkpointing=false, or choose another backbone"
        )


def _update_statistics_once(model: nn.Module) -> None:
    """Let batch norms update their running statistics in the forward pass only.

    A batch norm that is called outside of the model's own call is being computed again.
    """
    forward = [False]
    model.register_forward_pre_hook(lambda *_: forward.__setitem__(0, True))
    model.register_forward_hook(lambda *_: forward.__setitem__(0, False), always_call=True)
    momenta: dict[nn.Module, Any] = {}

    def before(norm: Any, _: Any) -> None:
        if norm.training and norm.track_running_stats and not forward[0]:
            momenta[norm] = norm.momentum
            norm.momentum = 0.0  # old * 1 + new * 0: saved tensors must be as many as before

    def after(norm: Any, *_: Any) -> None:
        if norm in momenta:
            norm.momentum = momenta.pop(norm)
            norm.num_batches_tracked.sub_(1)

    for norm in model.modules():
        if isinstance(norm, _BatchNorm):
            norm.register_forward_pre_hook(before)
            norm.register_forward_hook(after, always_call=True)
