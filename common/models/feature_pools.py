"""A feature map or a sequence of tokens to one vector an image: mean, max, min, GeM, class token."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

GEM_POWER = 3.0  # Radenović et al., Fine-tuning CNN image retrieval with no human annotation (2018)

# Places [B, C, L] to [B, C].
POOLS: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": lambda x: x.mean(dim=2),
    "max": lambda x: x.amax(dim=2),
    "min": lambda x: x.amin(dim=2),
    "gem": lambda x: x.clamp(min=1e-6).pow(GEM_POWER).mean(dim=2).pow(1 / GEM_POWER),
}


def pooled(places: Tensor, prefix: Tensor | None, pool: str) -> Tensor:
    """Places [B, C, L] and prefix tokens [B, P, C], the class token first, to features [B, C]."""
    if pool == "token":
        assert prefix is not None
        return prefix[:, 0]
    return POOLS[pool](places)


def places_of(
    found: Any, prefix_tokens: int, *, channels_last: bool = False
) -> tuple[Tensor, Tensor | None]:
    """What timm returns as features to places [B, C, L], and prefix tokens [B, P, C] where it has any.

    Args:
        found: a map [B, C, H, W] ([B, H, W, C] where `channels_last`), tokens [B, P + L, C], or a map
            and its prefix tokens.
        prefix_tokens: P.
    """
    if isinstance(found, tuple | list):
        return found[0].flatten(2), found[1]
    if found.ndim == 3:
        return found[:, prefix_tokens:].transpose(1, 2), found[:, :prefix_tokens]
    if channels_last:
        found = torch.movedim(found, 3, 1)
    return found.flatten(2), None
