"""Features of several stages and of two image sizes of a frozen backbone, joined before the head."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from common.errors import KitError
from common.models.input_coverage import SHAPE_ERRORS
from common.recipe import Recipe


class JoinedFeatures(nn.Module):
    """A backbone without its classifier, and a linear head on its joined features.

    An image's features are the backbone's own, which its classifier would see, and the means of the
    `maps` feature maps before; of the image as it comes and, unless `size` is 0, shrunk to that side.
    """

    def __init__(self, trunk: nn.Module, maps: int, size: int, side: int) -> None:
        super().__init__()
        trunk.reset_classifier(0)  # type: ignore[operator]
        self.trunk, self.size, self.skipped = trunk, size, 0
        self.pretrained_cfg = trunk.pretrained_cfg
        self.maps = maps
        parts = self._probe(side)
        # A network that pools its last map (ResNet) has that map's mean as its own features.
        if maps and parts[0].shape == parts[-1].shape and parts[0].allclose(parts[-1], atol=1e-5):
            self.skipped = 1
            parts = self._probe(side)
        if size:
            self._probe(size)  # raises where the network takes no images so small
        self.num_features = sum(part.shape[1] for part in parts) * (2 if size else 1)
        self.head: nn.Module = nn.Identity()

    def get_classifier(self) -> nn.Module:
        """The head."""
        return self.head

    def reset_classifier(self, num_classes: int) -> None:
        """A new head for `num_classes`; 0 leaves the features."""
        self.head = nn.Linear(self.num_features, num_classes) if num_classes else nn.Identity()

    def extra_repr(self) -> str:
        """What the features depend on beside the weights: part of their key in the cache."""
        return f"maps={self.maps}, skipped={self.skipped}, size={self.size}"

    def forward(self, x: Tensor) -> Tensor:
        """Images [B, 3, H, W] to logits [B, C]."""
        parts = self._parts(x)
        if self.size:
            shape = (self.size, self.size)
            parts += self._parts(interpolate(x, shape, mode="bilinear", antialias=True))
        return self.head(torch.cat(parts, dim=1))  # type: ignore[no-any-return]

    def _parts(self, x: Tensor) -> list[Tensor]:
        """Images of one size to their features [B, F] by stage, the backbone's own first."""
        if not self.maps:
            return [self.trunk(x)]
        count = self.maps + self.skipped
        last, maps = self.trunk.forward_intermediates(x, indices=count)  # type: ignore[operator]
        own = self.trunk.forward_head(last, pre_logits=True)  # type: ignore[operator]
        return [own, *(each.mean(dim=(2, 3)) for each in maps[: self.maps])]

    def _probe(self, side: int) -> list[Tensor]:
        """The features of noise, which have the widths that an image's have."""
        training = self.trunk.training
        with torch.no_grad():
            image = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
            self.trunk.eval()
            parts = self._parts(image)
        self.trunk.train(training)
        return parts


def with_joined_features(model: nn.Module, recipe: Recipe) -> nn.Module:
    """A timm network, and around it what the recipe's feature_stages= and feature_size= ask for.

    Raises:
        KitError: a network that does not tell its feature maps, or has fewer.
    """
    maps = recipe.feature_stages - 1
    facts: Any = getattr(model, "pretrained_cfg", {})
    if not (maps or recipe.feature_size):
        return model
    if maps and not hasattr(model, "forward_intermediates"):
        raise KitError(
            f"feature_stages={recipe.feature_stages}: timm does not tell the feature maps of "
            f"backbone={recipe.backbone}; set feature_stages=1, or choose another backbone"
        )
    if recipe.feature_size and facts.get("fixed_input_size"):
        raise KitError(
            f"feature_size={recipe.feature_size}: backbone={recipe.backbone} takes images of one size alone; "
            "set feature_size=0"
        )
    side = recipe.image_size or int(facts["input_size"][-1])
    try:
        joined = JoinedFeatures(model, maps, recipe.feature_size, side)
    except SHAPE_ERRORS as error:
        raise KitError(
            f"feature_stages={recipe.feature_stages} feature_size={recipe.feature_size}: backbone="
            f"{recipe.backbone} has fewer stages, or takes no images so small ({error}); set fewer, or larger"
        ) from error
    return joined
