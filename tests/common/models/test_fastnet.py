"""The fast network: whitened input, an identity to begin with, and timm's language."""

import pytest
import torch
from torch import nn
from torch.nn.functional import unfold

from common.models.backbone import build, rebuild
from common.models.kit_fastnet import SHAPES, IdentityConv, ShiftNorm
from common.models.whitening import FLOOR, Whitening, find_whitening
from common.recipe import Recipe

CLASSES = ("a", "b", "c")
FAST = Recipe(backbone="kit_fastnet_16")


def smooth_images(count: int = 64, side: int = 16) -> torch.Tensor:
    """Neighbouring pixels alike and channels too, as in photographs."""
    torch.manual_seed(0)
    noise = torch.randn(count, 3, side, side) + torch.randn(count, 1, side, side)
    return torch.nn.functional.avg_pool2d(noise, 3, stride=1, padding=1)


def test_the_whitened_channels_have_unit_variance_and_no_correlation() -> None:
    layer, images = Whitening(3), smooth_images()
    layer.fit([images])
    out = layer(images)[:, :12].movedim(1, -1).reshape(-1, 12).double()
    values = torch.linalg.eigvalsh(
        (p := unfold(images, 2).movedim(1, -1).reshape(-1, 12).double()).T @ p / len(p)
    )
    expected = (values / (values + FLOOR)).flip(
        0
    )  # a little less than 1 where there is little to see
    assert torch.allclose(out.T @ out / len(out), expected.diag(), atol=1e-3)
    assert torch.equal(layer.weight[12:], -layer.weight[:12])


def test_the_whitening_does_not_depend_on_how_the_images_come() -> None:
    images, whole, pieces = smooth_images(), Whitening(3), Whitening(3)
    whole.fit([images])
    pieces.fit(images.split(7))
    assert torch.allclose(whole.weight, pieces.weight, atol=1e-4)


def test_the_whitening_is_saved_and_never_trained() -> None:
    model = build(FAST, CLASSES)
    layer = find_whitening(model)
    assert layer is not None
    layer.fit([smooth_images()])
    assert "stem.weight" not in dict(model.named_parameters())
    again = rebuild(FAST, CLASSES, model.state_dict())
    assert torch.equal(again.state_dict()["stem.weight"], layer.weight)


def test_a_convolution_begins_as_the_identity_on_its_first_channels() -> None:
    images = torch.rand(2, 5, 6, 6)
    assert torch.equal(IdentityConv(5, 9)(images)[:, :5], images)


@pytest.mark.parametrize("side", [9, 24, 32])
def test_every_side_from_nine_pixels_gives_logits(side: int) -> None:
    assert build(FAST, CLASSES).eval()(torch.rand(2, 3, side, side)).shape == (2, 3)


def test_its_head_is_on_its_pooled_features() -> None:
    model, images = build(FAST, CLASSES).eval(), torch.rand(2, 3, 32, 32)
    features = model.forward_head(model.forward_features(images), pre_logits=True)  # type: ignore[operator]
    assert torch.equal(model.get_classifier()(features), model(images))  # type: ignore[operator]


@pytest.mark.parametrize("name", [*SHAPES, "kit_resnet9_16", "kit_resnet9_64"])
def test_no_norm_of_the_kits_networks_has_a_bias_without_a_weight(name: str) -> None:
    """CUDA's backward pass of such a norm fails; a CPU's does not."""
    norms = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.LayerNorm)
    found = [
        each for each in build(Recipe(backbone=name), CLASSES).modules() if isinstance(each, norms)
    ]
    assert found
    for norm in found:
        assert norm.bias is None or (
            norm.weight is not None and norm.weight.shape == norm.bias.shape
        )


def test_the_fast_networks_norms_scale_by_a_constant_one_that_is_neither_trained_nor_saved() -> (
    None
):
    model, images = build(FAST, CLASSES), torch.randn(8, 3, 16, 16)
    before = {name for name, _ in model.named_parameters()}
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(3):
        model(images).square().sum().backward()
        optimiser.step()
    norms = [(n, each) for n, each in model.named_modules() if isinstance(each, ShiftNorm)]
    for name, norm in norms:
        assert torch.equal(norm.weight, torch.ones_like(norm.bias))
        assert f"{name}.weight" not in before | set(model.state_dict())
    assert torch.equal(
        norm(x := torch.randn(4, norm.num_features, 3, 3)),
        nn.functional.batch_norm(x, None, None, None, norm.bias, training=True, eps=norm.eps),
    )
