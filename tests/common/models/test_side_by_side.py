"""Several backbones side by side: what the head sees, and which backbones and recipes go together."""

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.models import save_for_hf
from toy_backbones import model_folder

from common.errors import KitError
from common.inference.features import detach_head
from common.models.backbone import build, check_input, input_config_of, rebuild
from common.models.export import write_model_folder
from common.models.joined_features import Block
from common.recipe import Recipe
from common.recipe_values import model_folders, with_model_folders

CLASSES = ["ant", "bee", "cat"]
TWO = "test_resnet+test_efficientnet"


def recipe(backbone: str = TWO, **fields: Any) -> Recipe:
    plain: dict[str, Any] = {"freeze": "backbone", "image_size": 64, "weights": "pretrained"}
    return Recipe(backbone=backbone, **(plain | fields))


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    return [model_folder(name, tmp_path / name) for name in ("test_resnet", "test_efficientnet")]


def normalised(pixels: torch.Tensor, model: torch.nn.Module) -> torch.Tensor:
    config = input_config_of(model)
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in (config.mean, config.std))
    return (pixels - mean) / std


@torch.inference_mode()
@pytest.mark.parametrize("fields", [{}, {"feature_stages": 2, "feature_size": 32}])
def test_the_head_sees_what_each_backbone_alone_gives_it(
    folders: list[str], fields: dict[str, Any]
) -> None:
    model: Any = build(recipe("+".join(folders), **fields), CLASSES).eval()
    pixels, expected, blocks = torch.rand(2, 3, 64, 64), [], list[Block]()
    for number, name in enumerate(folders):
        alone: Any = build(recipe(name, **fields), CLASSES).eval()
        detach_head(alone)
        expected.append(alone(normalised(pixels, alone)))
        own = alone.blocks if fields else [Block(0, 0, "mean", expected[-1].shape[1])]
        blocks += [block._replace(backbone=number) for block in own]
    assert model.blocks == blocks
    images = normalised(pixels, model)
    logits = model(images)
    _, head = detach_head(model)
    assert torch.allclose(model(images), torch.cat(expected, dim=1), atol=1e-4)
    assert torch.equal(head(model(images)), logits)


@torch.inference_mode()
def test_both_come_back_from_their_weights(folders: list[str]) -> None:
    given = recipe("+".join(folders))
    model = build(given, CLASSES).eval()
    again = rebuild(given, CLASSES, model.state_dict()).eval()
    images = torch.rand(2, 3, 64, 64)
    assert torch.equal(again(images), model(images))


def test_of_an_image_size_that_one_backbone_refuses_is_told_that_it_can_be_left_out() -> None:
    two = recipe("test_resnet+test_vit", image_size=0)
    model = build(two, CLASSES, bare=True)
    words = r"test_vit does not take images of 90x90.*; or leave it out of backbone=test_resnet\+"
    with pytest.raises(KitError, match=words):
        check_input(model, two, 90, 90)


def test_a_backbone_of_other_channels_is_refused_as_it_is_alone(
    folders: list[str], tmp_path: Path
) -> None:
    model = timm.create_model("test_resnet", in_chans=1)
    model.pretrained_cfg |= {"mean": (0.5,), "std": (0.5,)}
    save_for_hf(model, str(tmp_path / "grey"), model_args={"in_chans": 1}, safe_serialization=True)
    two = recipe(f"local-dir:{tmp_path / 'grey'}+{folders[1]}")
    with pytest.raises(KitError, match=r"takes images of 1 channel, .*; or leave it out of"):
        check_input(build(two, CLASSES), two, 64, 64)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"backbone": "test_resnet+test_resnet"}, "names a backbone twice"),
        ({"backbone": "test_resnet+test_resnets"}, "test_resnets: timm has no model of that name"),
        ({"freeze": "none"}, "joins a frozen backbone's features: set freeze=backbone"),
        ({"freeze": "lp-ft:1"}, "set freeze=backbone"),
        ({"head": "mlp:8"}, "has a new linear head: set head=linear"),
        ({"weights": "scratch"}, "set weights=pretrained"),
        ({"weights": "a.safetensors"}, "set weights=pretrained, where a folder"),
        (
            {"feature_pools": "mean+token"},
            "test_resnet has no class token; leave token out; or leave",
        ),
    ],
)
def test_what_several_backbones_cannot_heed_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(KitError, match=words):
        build(recipe(**fields), CLASSES, bare=True)


def test_what_joins_backbones_cannot_be_exported(folders: list[str], tmp_path: Path) -> None:
    given = recipe("+".join(folders))
    save_file(build(given, CLASSES).state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(KitError, match="which no timm network does"):
        write_model_folder(tmp_path / "model", given, tmp_path / "w.safetensors", CLASSES)


def test_a_plus_inside_a_folders_path_is_of_the_path() -> None:
    given = recipe("local-dir:/a+b/c+resnet18.a1_in1k+hf-hub:x/y+local-dir:d")
    assert given.backbones == ("local-dir:/a+b/c", "resnet18.a1_in1k", "hf-hub:x/y", "local-dir:d")
    assert model_folders(given) == [Path("/a+b/c"), Path("d")]
    moved = with_model_folders(given, ["0", "1"])
    assert moved.backbone == "local-dir:0+resnet18.a1_in1k+hf-hub:x/y+local-dir:1"
