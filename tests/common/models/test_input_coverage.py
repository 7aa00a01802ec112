"""What of an image reaches a network's output, and the sizes that are refused for what does not."""

import re
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn

from common.models.backbone import build, check_input
from common.models.export import write_model_folder
from common.models.input_coverage import (
    SHAPE_ERRORS,
    coverage,
    nearest_full_coverage_sizes,
    unseen_margins,
)
from common.recipe import Recipe
from common.training.checkpoint import is_finished, save_weights
from common.verbs import validate

CLASSES = ("a", "b", "c")
VIT = "vit_tiny_patch16_224"


class Cropped(nn.Module):
    """Sees what is inside its margins, through a ReLU that is off and a branch that begins at zero."""

    def forward(self, x: Tensor) -> Tensor:
        inside = x[..., 3:-2, 1:]
        return (torch.relu(-inside) * 0).sum(dim=(2, 3))


def test_the_rim_that_a_network_leaves_out_is_measured_on_every_edge() -> None:
    assert unseen_margins(Cropped(), 20, 30) == (3, 2, 1, 0)
    assert coverage((3, 2, 1, 0), 20, 30) == 15 * 29 / 600


class Numbers(nn.Module):
    """Takes nan for a number."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.nan_to_num(x).sum(dim=(2, 3))


def test_of_a_network_that_cannot_be_measured_nothing_is_claimed() -> None:
    assert unseen_margins(Numbers(), 9, 9) == (0, 0, 0, 0)


def test_the_nearest_sizes_are_measured_ones() -> None:
    patches = nn.Conv2d(3, 1, 7, stride=7)
    assert nearest_full_coverage_sizes(lambda _: patches, 20, seen=14) == [14, 21]
    assert nearest_full_coverage_sizes(lambda _: patches, 5, seen=5) == [7]
    assert nearest_full_coverage_sizes(lambda _: nn.Conv2d(3, 1, 200), 20, seen=20) == []


def sentence_of(name: str, height: int, width: int, **fields: Any) -> str:
    recipe = Recipe(backbone=name, **fields)
    with pytest.raises(ValueError) as error:
        check_input(build(recipe, CLASSES), recipe, height, width)
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "side", "words"),
    [
        (
            VIT,
            31,
            "sees 26.6% of the pixels of images of 31x31: 15 rows and 15 columns .*: set image_size=16 or 32,",
        ),
        pytest.param("convit_tiny", 95, "sees 70.9% .*=80 or 96,", marks=pytest.mark.slow),
        ("test_convnext", 39, "sees 85.2% of the pixels .*set image_size=36 or 40,"),
        (
            "test_vit",
            41,
            r"does not take images of 41x41 .*set image_size=160 \(its default\), or 32 or 48,",
        ),
        (
            "xcit_nano_12_p8_224",
            31,
            r"does not take images of 31x31 \(`patch_size` should .*or 24 or 32,",
        ),
        pytest.param("nest_tiny", 231, "does not take .*=224 or 240,", marks=pytest.mark.slow),
        pytest.param(
            "gcvit_xxtiny", 31, "does not take .*division by zero", marks=pytest.mark.slow
        ),
        pytest.param(
            "vit_small_patch32_224", 95, "sees 45.4% .*=64 or 96,", marks=pytest.mark.slow
        ),
        pytest.param("pit_ti_224", 231, "sees 94.0% .*=224 or 232,", marks=pytest.mark.slow),
    ],
)
def test_a_size_that_is_not_seen_whole_is_refused_with_the_nearest_that_are(
    name: str, side: int, words: str
) -> None:
    assert re.search(words, sentence_of(name, side, side, image_size=side))


def test_images_that_are_not_square_are_measured_on_both_sides() -> None:
    words = sentence_of("test_convnext", 39, 66)
    assert "of images of 66x39: 3 rows and 2 columns at the edges" in words


@pytest.mark.parametrize(
    "name", ["kit_resnet9_16", "kit_fastnet_16", "test_resnet", "test_efficientnet", "test_nfnet"]
)
@pytest.mark.parametrize("side", [33, 39, 47])
def test_ordinary_networks_see_odd_sizes_whole(name: str, side: int) -> None:
    assert unseen_margins(build(Recipe(backbone=name), CLASSES), side, side) == (0, 0, 0, 0)


def test_a_rim_of_a_pixel_is_said_and_not_refused(capsys: pytest.CaptureFixture[str]) -> None:
    recipe = Recipe(backbone="test_convnext")
    check_input(build(recipe, CLASSES), recipe, 81, 81)
    words = "backbone=test_convnext sees 97.5% of the pixels of images of 81x81: 1 row and 1 column"
    assert words in capsys.readouterr().err


def refused(request: Any) -> str:
    with pytest.raises(ValueError) as error:
        validate.run(request)
    assert not list(Path(request.runs).glob("*/run.json"))
    return str(error.value)


def weights_of(name: str, path: Path) -> str:
    save_weights(path, build(Recipe(backbone=name, image_size=16), CLASSES).state_dict())
    assert is_finished(path)
    return str(path / "weights.safetensors")


@pytest.mark.slow
def test_every_way_to_a_size_is_measured_before_a_run_is_begun(toy: Any, tmp_path: Path) -> None:
    seen = "sees 26.6% of the pixels of images of 31x31"
    small = {"backbone": "test_convnext", "image_size": 64}
    assert seen in refused(toy(backbone=VIT, image_size=31))
    assert seen in refused(toy(backbone=VIT, image_size=31, augment="photo-none", views="scales"))
    growing = refused(toy(initial_image_size=39, epochs=6, **small))
    assert "sees 85.2% of the pixels of images of 39x39" in growing
    assert "initial_image_size=39 has training start there; choose a larger one, or 0" in growing
    assert growing.endswith("(full coverage: 36 or 40 pixels)")
    fixed = refused(toy(backbone="test_vit", image_size=48, initial_image_size=32, epochs=6))
    assert fixed.endswith(
        "initial_image_size=32 has training start there; choose a larger one, or 0"
    )
    frozen = {"freeze": "backbone", "augment": "small-none", "weights": weights_of(VIT, tmp_path)}
    assert seen in refused(toy(backbone=VIT, image_size=31, **frozen))
    write_model_folder(
        tmp_path / "own", Recipe(backbone=VIT, image_size=16), Path(frozen["weights"]), "012"
    )
    exported = {"backbone": f"local-dir:{tmp_path / 'own'}", "weights": "pretrained"}
    assert seen in refused(toy(image_size=31, **exported))
    untrained = {"head": "rows", "freeze": "backbone", "epochs": 0, "augment": "small-none"}
    assert seen in refused(toy(image_size=31, **exported, **untrained))


@pytest.mark.slow
def test_of_a_network_that_is_trained_already_it_is_said(
    toy: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import common.models.backbone as backbone

    request = toy(backbone="test_convnext", image_size=39, epochs=1, folds=1)
    with monkeypatch.context() as patch:
        patch.setattr(backbone, "MIN_COVERAGE", 0.5)
        before = validate.run(request)["cv"]
    capsys.readouterr()
    assert validate.run(request)["cv"] == before
    assert "backbone=test_convnext sees 85.2% of the pixels" in capsys.readouterr().err


def test_images_as_they_are_stored_are_measured_too(toy: Any) -> None:
    words = refused(toy(backbone="test_convnext", store_short_side=0, image_size=0))
    assert "does not take images of 8x8" in words
    assert "set image_size=160 (its default), or 32, the nearest with full coverage" in words


# One small network of each family that cuts images into patches or windows.
PATCHED = (
    "beit_base_patch16_224",
    "cait_xxs24_224",
    "coat_tiny",
    "convit_tiny",
    "crossvit_tiny_240",
    "davit_tiny",
    "deit_tiny_patch16_224",
    "edgenext_xx_small",
    "efficientformer_l1",
    "efficientformerv2_s0",
    "eva02_tiny_patch14_224",
    "gcvit_xxtiny",
    "hiera_tiny_224",
    "levit_128s",
    "test_maxvit",
    "mvitv2_tiny",
    "nest_tiny",
    "pit_ti_224",
    "pvt_v2_b0",
    "swin_tiny_patch4_window7_224",
    "swinv2_cr_tiny_224",
    "tiny_vit_5m_224",
    "tnt_s_patch16_224",
    "twins_svt_small",
    "visformer_tiny",
    "vit_tiny_patch16_224",
    "vit_tiny_r_s16_p8_224",
    "volo_d1_224",
    "xcit_nano_12_p8_224",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", PATCHED)
def test_every_family_sees_its_own_size_and_what_it_leaves_out_lies_at_the_edges(name: str) -> None:
    own = build(Recipe(backbone=name), CLASSES).pretrained_cfg["input_size"][-1]  # type: ignore[index]
    assert unseen_margins(build(Recipe(backbone=name), CLASSES), own, own) == (0, 0, 0, 0)
    for side in (own + 7, own + 31, 95):
        try:
            model = build(Recipe(backbone=name, image_size=side), CLASSES).eval()
            margins = unseen_margins(model, side, side)
        except ValueError as error:
            assert "does not take images" in str(error)
            continue
        except SHAPE_ERRORS:  # the network does not accept this size
            continue
        for row in range(margins[0], side - margins[1], 5):
            images = torch.rand(1, 3, side, side)
            images[:, :, row] = torch.nan
            with torch.inference_mode():
                assert model(images).isnan().any(), (side, row)


def test_a_network_for_images_of_one_channel_is_called_so() -> None:
    model = timm.create_model("test_resnet", in_chans=1)
    with pytest.raises(ValueError, match="takes images of 1 channel, and the kit feeds RGB"):
        check_input(model, Recipe(backbone="test_resnet"), 64, 64)
