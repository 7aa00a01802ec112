"""Several frozen backbones side by side, whose features one head sees (backbone=A+B)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from common.errors import KitError
from common.models.heads import heads_of, reset_head
from common.models.joined_features import Block, JoinedFeatures
from common.recipe import Recipe


class SideBySide(nn.Module):
    """Backbones without their classifiers, and a linear head on the features of all of them.

    Images come normalised as for the first; every backbone sees them normalised as it was trained.

    Attributes:
        blocks: of all features.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, parts: Sequence[nn.Module]) -> None:
        super().__init__()
        self.blocks = [
            block._replace(backbone=number)
            for number, part in enumerate(parts)
            for block in _blocks(part, _detached(part))
        ]
        self.num_features = sum(block.width for block in self.blocks)
        self.parts = nn.ModuleList(parts)
        self.pretrained_cfg = parts[0].pretrained_cfg
        facts: list[Any] = [part.pretrained_cfg for part in parts]
        # One of other channels than RGB is refused by its own check, which feeds it an image.
        mean, std = (
            torch.tensor([(*each[name] * 3,)[:3] for each in facts]).view(-1, 3, 1, 1)
            for name in ("mean", "std")
        )
        self.register_buffer("scale", std[0] / std, persistent=False)
        self.register_buffer("shift", (mean[0] - mean) / std, persistent=False)
        self.head: nn.Module = nn.Identity()

    def get_classifier(self) -> nn.Module:
        """The head."""
        return self.head

    def reset_classifier(self, num_classes: int) -> None:
        """A new head for `num_classes`; 0 leaves the features."""
        self.head = nn.Linear(self.num_features, num_classes) if num_classes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Images [B, 3, H, W] to logits [B, C]."""
        each = zip(self.parts, self.scale, self.shift, strict=True)
        features = [part(x * scale + shift) for part, scale, shift in each]
        return self.head(torch.cat(features, dim=1))  # type: ignore[no-any-return]


def backbones_of(model: nn.Module) -> list[nn.Module]:
    """A network's backbones; itself, where it has one."""
    return list(model.parts) if isinstance(model, SideBySide) else [model]


@contextmanager
def left_out(recipe: Recipe) -> Iterator[None]:
    """Where one of several backbones is refused, say that it can be left out."""
    try:
        yield
    except KitError as error:
        if len(recipe.backbones) == 1:
            raise
        raise KitError(f"{error}; or leave it out of backbone={recipe.backbone}") from error


def _detached(part: nn.Module) -> int:
    """Replace a network's classifier by the identity; return the width of its features."""
    reset_head(part, 1)
    head, *others = heads_of(part)
    if others or not isinstance(head, nn.Linear):
        facts: Any = part.pretrained_cfg
        raise KitError(
            f"backbone={facts.get('architecture')} does not end in one linear layer, before which its "
            "features could be joined to another's: choose another backbone"
        )
    name = next(name for name, module in part.named_modules() if module is head)
    part.set_submodule(name, nn.Identity())
    return head.in_features


def _blocks(part: nn.Module, width: int) -> list[Block]:
    """The blocks of a backbone's features."""
    return part.blocks if isinstance(part, JoinedFeatures) else [Block(0, 0, "mean", width)]
