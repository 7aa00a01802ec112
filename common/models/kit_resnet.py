"""kit_resnet9: a ResNet-9 for small images, registered with timm; images to logits.

The architecture is the nine-layer residual network of D. Page's "How to train your ResNet" (2018): a stem,
three stages that halve the resolution, a residual block in the first and last. `kit_resnet9_16` is the width that two
cores train in minutes (24 million multiplications for 32x32), `kit_resnet9_64` the original.
"""

from typing import Any

from timm.models import (
    build_model_with_cfg,
    checkpoint_seq,
    generate_default_cfgs,
    register_model,
)
from torch import Tensor, nn

from common.errors import KitError
from common.models.max_pooling import global_max


class ConvNorm(nn.Sequential):
    """3x3 convolution, batch norm, GELU; `pool` adds 2x2 max pooling."""

    def __init__(self, inputs: int, outputs: int, *, pool: bool = False) -> None:
        layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)]
        layers += [nn.MaxPool2d(2)] if pool else []
        super().__init__(*layers, nn.BatchNorm2d(outputs), nn.GELU())


class Residual(nn.Module):
    """x + two ConvNorms of x."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(ConvNorm(width, width), ConvNorm(width, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class KitResNet(nn.Module):
    """Images [B, 3, H, W], H and W of at least 8, to logits [B, num_classes]."""

    def __init__(
        self,
        width: int = 16,
        num_classes: int = 1000,
        in_chans: int = 3,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        **_: Any,
    ) -> None:
        super().__init__()
        if drop_path_rate:
            raise KitError(
                "drop_path_rate: kit_resnet9 is too shallow for it; set drop_path_rate=0"
            )
        self.num_classes = num_classes
        self.grad_checkpointing = False
        self.num_features = self.head_hidden_size = 8 * width
        self.stem = ConvNorm(in_chans, width)
        self.stages = nn.Sequential(
            nn.Sequential(ConvNorm(width, 2 * width, pool=True), Residual(2 * width)),
            nn.Sequential(ConvNorm(2 * width, 4 * width, pool=True)),
            nn.Sequential(ConvNorm(4 * width, 8 * width, pool=True), Residual(8 * width)),
        )
        self.drop = nn.Dropout(drop_rate)
        self.head = nn.Linear(8 * width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:  # noqa: ARG002
        """timm's naming of the stages: the stem, then the three stages."""
        return {"stem": r"^stem", "blocks": r"^stages\.(\d+)"}

    def get_classifier(self) -> nn.Module:
        """The head."""
        return self.head

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:  # noqa: ARG002
        """A new head for `num_classes`; 0 leaves the features."""
        self.num_classes = num_classes
        self.head = nn.Linear(self.num_features, num_classes) if num_classes else nn.Identity()  # type: ignore[assignment]

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Compute the stages' activations again in the backward pass, or keep them."""
        self.grad_checkpointing = enable

    def forward_features(self, x: Tensor) -> Tensor:
        """Feature maps [B, 8 * width, H / 8, W / 8]."""
        x = self.stem(x)
        return checkpoint_seq(self.stages, x) if self.grad_checkpointing else self.stages(x)  # type: ignore[no-any-return]

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Logits, or with `pre_logits` the pooled features [B, 8 * width]."""
        # Max pooling: on feature maps of a few pixels the mean blurs what one position detected.
        x = self.drop(global_max(x))
        return x if pre_logits else self.head(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(x))


_FACTS = {
    "input_size": (3, 32, 32),
    "crop_pct": 1.0,
    "first_conv": "stem.0",
    "classifier": "head",
    "mean": (0.485, 0.456, 0.406),
    "std": (0.229, 0.224, 0.225),
}
# timm looks for this name in the module of a registered model.
default_cfgs = generate_default_cfgs({f"kit_resnet9_{width}": _FACTS for width in (16, 32, 64)})


def _build(width: int, pretrained: bool, **settings: Any) -> nn.Module:
    network: nn.Module = build_model_with_cfg(
        KitResNet, f"kit_resnet9_{width}", pretrained, width=width, **settings
    )
    return network


@register_model
def kit_resnet9_16(pretrained: bool = False, **settings: Any) -> nn.Module:
    """0.4 M parameters: minutes on two cores."""
    return _build(16, pretrained, **settings)


@register_model
def kit_resnet9_32(pretrained: bool = False, **settings: Any) -> nn.Module:
    """1.6 M parameters."""
    return _build(32, pretrained, **settings)


@register_model
def kit_resnet9_64(pretrained: bool = False, **settings: Any) -> nn.Module:
    """6.6 M parameters: the original width, for a GPU."""
    return _build(64, pretrained, **settings)
