"""kit_fastnet: a fast network for small images, registered with timm; images to logits.

The architecture is that of K. Jordan's "94% on CIFAR-10 in 3.29 seconds" (2024): a fixed whitening of 2x2
patches, then three blocks that halve the resolution, without skip connections. It learns in a few epochs
by whitened input, identity-initialised convolutions, norms without a scale and small logits.
"""

from typing import Any

import torch
from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from torch import Tensor, nn

from common.errors import KitError
from common.models.max_pooling import global_max
from common.models.whitening import Whitening

LOGIT_SCALE = 1 / 9
MOMENTUM = 0.4  # of the norms' running statistics: a training has some 200 updates


class IdentityConv(nn.Conv2d):
    """3x3 convolution with its first output channels initialised as the identity, the others as usual."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=False)
        nn.init.dirac_(self.weight.data[:inputs])


class ShiftNorm(nn.BatchNorm2d):
    """Batch norm with a bias and no scale: the next convolution has one.

    Its weight is a constant 1, neither trained nor saved: CUDA's backward pass fails on a norm that
    has a bias and no weight.
    """

    def __init__(self, width: int) -> None:
        super().__init__(width, momentum=MOMENTUM)
        del self.weight
        self.register_buffer("weight", torch.ones(width), persistent=False)

    def shared(self) -> nn.SyncBatchNorm:
        """The same norm, over the images of all processes; torch converts none with such a weight."""
        norm = nn.SyncBatchNorm(self.num_features, self.eps, self.momentum)
        del norm.weight
        norm.register_buffer("weight", self.weight, persistent=False)
        norm.load_state_dict(self.state_dict())
        norm.bias.requires_grad_(self.bias.requires_grad)
        return norm.to(self.bias.device).train(self.training)


class Block(nn.Module):
    """`depth` convolutions with norm and GELU; max pooling after the first halves the resolution.

    With three convolutions a skip connection spans the last two.
    """

    def __init__(self, inputs: int, outputs: int, depth: int) -> None:
        super().__init__()
        self.first = nn.Sequential(
            IdentityConv(inputs, outputs), nn.MaxPool2d(2), ShiftNorm(outputs), nn.GELU()
        )
        self.rest = nn.Sequential(
            *(
                nn.Sequential(IdentityConv(outputs, outputs), ShiftNorm(outputs), nn.GELU())
                for _ in range(depth - 1)
            )
        )
        self.skip = depth > 2

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return x + self.rest(x) if self.skip else self.rest(x)  # type: ignore[no-any-return]


class KitFastNet(nn.Module):
    """Images [B, 3, H, W], H and W of at least 9, to logits [B, num_classes].

    Attributes:
        stem: the whitening, whose `fit` sets it from training images before the first step.
    """

    def __init__(
        self,
        widths: tuple[int, int, int] = (64, 256, 256),
        depth: int = 2,
        num_classes: int = 1000,
        in_chans: int = 3,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        **_: Any,
    ) -> None:
        super().__init__()
        if drop_path_rate:
            raise KitError(
                "drop_path_rate: kit_fastnet has no residual paths to drop; set drop_path_rate=0"
            )
        self.num_classes = num_classes
        self.num_features = self.head_hidden_size = widths[-1]
        self.stem = Whitening(in_chans)
        inputs = (self.stem.outputs, *widths)
        self.blocks = nn.Sequential(
            *(Block(one, next_, depth) for one, next_ in zip(inputs, widths, strict=False))
        )
        self.drop = nn.Dropout(drop_rate)
        self.head = nn.Linear(widths[-1], num_classes, bias=False)

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:  # noqa: ARG002
        """timm's naming of the stages: the three blocks, the whitening's bias with the first."""
        return {"stem": r"^(?:stem|blocks\.0)", "blocks": r"^blocks\.(\d+)"}

    def get_classifier(self) -> nn.Module:
        """The head."""
        return self.head

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:  # noqa: ARG002
        """A new head for `num_classes`; 0 leaves the features."""
        self.num_classes = num_classes
        head = (
            nn.Linear(self.num_features, num_classes, bias=False) if num_classes else nn.Identity()
        )
        self.head = head  # type: ignore[assignment]

    def forward_features(self, x: Tensor) -> Tensor:
        """Feature maps [B, widths[-1], H / 8, W / 8], rounded down from one pixel less."""
        return self.blocks(nn.functional.gelu(self.stem(x)))  # type: ignore[no-any-return]

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Logits, or with `pre_logits` the pooled features [B, widths[-1]]."""
        x = self.drop(global_max(x) * LOGIT_SCALE)
        return x if pre_logits else self.head(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(x))


# CIFAR-10's mean and std: the whitening adapts to other images.
_FACTS = {
    "input_size": (3, 32, 32),
    "crop_pct": 1.0,
    "first_conv": "stem",
    "classifier": "head",
    "mean": (0.4914, 0.4822, 0.4465),
    "std": (0.2470, 0.2435, 0.2616),
}
SHAPES: dict[str, tuple[tuple[int, int, int], int]] = {
    "kit_fastnet_16": ((16, 64, 64), 2),
    "kit_fastnet_64": ((64, 256, 256), 2),
    "kit_fastnet_128": ((128, 384, 512), 3),
}
# timm looks for this name in the module of a registered model.
default_cfgs = generate_default_cfgs(dict.fromkeys(SHAPES, _FACTS))


def _build(name: str, pretrained: bool, **settings: Any) -> nn.Module:
    widths, depth = SHAPES[name]
    network: nn.Module = build_model_with_cfg(
        KitFastNet, name, pretrained, widths=widths, depth=depth, **settings
    )
    return network


@register_model
def kit_fastnet_16(pretrained: bool = False, **settings: Any) -> nn.Module:
    """0.1 M parameters: for trials on a CPU."""
    return _build("kit_fastnet_16", pretrained, **settings)


@register_model
def kit_fastnet_64(pretrained: bool = False, **settings: Any) -> nn.Module:
    """2.0 M parameters: the original."""
    return _build("kit_fastnet_64", pretrained, **settings)


@register_model
def kit_fastnet_128(pretrained: bool = False, **settings: Any) -> nn.Module:
    """9.6 M parameters, three convolutions a block, with skips: for a GPU."""
    return _build("kit_fastnet_128", pretrained, **settings)
