"""Features of several stages, poolings and image sizes of a frozen backbone, joined before the head."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from common.errors import KitError
from common.models.feature_pools import places_of, pooled
from common.models.input_coverage import SHAPE_ERRORS
from common.progress import counted
from common.recipe import Recipe


class Block(NamedTuple):
    """Columns of joined features, `width` of them, that have one origin."""

    side: int  # of the image in pixels; 0: as it comes
    stage: int  # 0: the last, 1: the one before
    pool: str
    width: int
    backbone: int = 0  # which of several


class JoinedFeatures(nn.Module):
    """A backbone without its classifier, and a linear head on its joined features.

    An image's features are the backbone's own, which its classifier would see, and the `maps` feature
    maps before, each by every one of `pools`; of the last map by those other than the mean. All that of
    the image as it comes and, unless `size` is 0, shrunk to that side.
    """

    def __init__(
        self, trunk: nn.Module, maps: int, size: int, side: int, pools: str = "mean"
    ) -> None:
        super().__init__()
        trunk.reset_classifier(0)  # type: ignore[operator]
        self.trunk, self.size, self.skipped = trunk, size, 0
        self.pretrained_cfg = trunk.pretrained_cfg
        self.maps, self.pools = maps, ["mean"]
        (_, own), *others = self._probe(side)
        # A network that pools its last map (ResNet) has that map's mean as its own features.
        if others and _alike(own, others[-1][1]):
            self.skipped = 1
        self.pools = pools.split("+")
        parts = self._probe(side)
        if size:
            self._probe(size)  # raises where the network takes no images so small
        sides = (0, size) if size else (0,)
        self.blocks = [block._replace(side=each) for each in sides for block, _ in parts]
        self.num_features = sum(block.width for block in self.blocks)
        self.head: nn.Module = nn.Identity()

    def get_classifier(self) -> nn.Module:
        """The head."""
        return self.head

    def reset_classifier(self, num_classes: int) -> None:
        """A new head for `num_classes`; 0 leaves the features."""
        self.head = nn.Linear(self.num_features, num_classes) if num_classes else nn.Identity()

    def extra_repr(self) -> str:
        """What the features depend on beside the weights: part of their key in the cache."""
        pools = "+".join(self.pools)
        return f"maps={self.maps}, skipped={self.skipped}, size={self.size}, pools={pools}"

    def forward(self, x: Tensor) -> Tensor:
        """Images [B, 3, H, W] to logits [B, C]."""
        parts = list(self._parts(x))
        if self.size:
            shape = (self.size, self.size)
            parts += self._parts(interpolate(x, shape, mode="bilinear", antialias=True))
        return self.head(torch.cat([part for _, part in parts], dim=1))  # type: ignore[no-any-return]

    def _parts(self, x: Tensor) -> Iterator[tuple[Block, Tensor]]:
        """Images of one size to their features [B, F] by block, the backbone's own first."""
        trunk: Any = self.trunk
        prefix = getattr(trunk, "num_prefix_tokens", 0)
        maps: list[Any] = []
        if self.maps:
            more = {"return_prefix_tokens": True} if "token" in self.pools else {}
            last, maps = trunk.forward_intermediates(x, indices=self.maps + self.skipped, **more)
        else:
            last = trunk.forward_features(x)
        own = trunk.forward_head(last, pre_logits=True)
        yield Block(0, 0, "mean", own.shape[1]), own
        for pool in (each for each in self.pools if each != "mean"):
            channels_last = getattr(trunk, "output_fmt", "NCHW") == "NHWC"
            part = pooled(*places_of(last, prefix, channels_last=channels_last), pool)
            yield Block(0, 0, pool, part.shape[1]), part
        for at, each in enumerate(maps[: self.maps]):  # each [B, C, H, W], whatever the layout
            for pool in self.pools:
                part = pooled(*places_of(each, prefix), pool)
                yield Block(0, self.maps - at, pool, part.shape[1]), part

    def _probe(self, side: int) -> list[tuple[Block, Tensor]]:
        """The features of noise, which have the widths that an image's have."""
        training = self.trunk.training
        with torch.no_grad():
            image = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
            self.trunk.eval()
            parts = list(self._parts(image))
        self.trunk.train(training)
        return parts


def _alike(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and one.allclose(other, atol=1e-5)


def with_joined_features(model: nn.Module, recipe: Recipe) -> nn.Module:
    """A timm network, and around it what the recipe's feature_* fields ask for.

    Raises:
        KitError: a network that does not tell its feature maps, has fewer, or no class token.
    """
    maps, pools = recipe.feature_stages - 1, recipe.feature_pools
    facts: Any = getattr(model, "pretrained_cfg", {})
    if not recipe.joins_features:
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
    if "token" in pools and getattr(model, "cls_token", None) is None:
        raise KitError(
            f"feature_pools={pools}: backbone={recipe.backbone} has no class token; leave token out"
        )
    side = recipe.image_size or int(facts["input_size"][-1])
    try:
        joined = JoinedFeatures(model, maps, recipe.feature_size, side, pools)
    except SHAPE_ERRORS as error:
        raise KitError(_fault(model, recipe, side, error)) from error
    return joined


def _fault(model: nn.Module, recipe: Recipe, side: int, error: Exception) -> str:
    """Why a network does not give the features that the recipe asks for: its stages, or the size."""
    backbone, asked = f"backbone={recipe.backbone}", recipe.feature_stages
    has = asked
    while has > 1 and not _gives(model, has, side):
        has -= 1
    if has < asked:
        return f"feature_stages={asked}: {backbone} has {counted(has, 'stage')}; set feature_stages={has}"
    return (
        f"feature_size={recipe.feature_size}: {backbone} takes no images so small ({error}); set it "
        "larger, or feature_size=0"
    )


def _gives(model: nn.Module, stages: int, side: int) -> bool:
    try:
        JoinedFeatures(model, stages - 1, 0, side)
    except SHAPE_ERRORS:
        return False
    return True
