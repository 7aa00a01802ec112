"""Backbones: by name, with a new head, their own normalisation, and weights that fit or are refused."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from common.errors import KitError
from common.models.backbone import build, input_config_of
from common.models.backbone_names import check_backbones, check_doubles
from common.models.freezing import freeze, stages, train_mode
from common.recipe import Recipe

SMALL = {"backbone": "kit_resnet9_16"}


def names(count: int) -> list[str]:
    return [f"class {number}" for number in range(count)]


FAMILIES = [
    "kit_resnet9_16",
    "kit_fastnet_16",
    "test_resnet.r160_in1k",
    "test_vit.r160_in1k",
    "test_efficientnet.r160_in1k",
]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_new_head_has_the_competitions_classes(name: str) -> None:
    model = build(Recipe(backbone=name), names(7)).eval()
    side = 32 if name.startswith("kit") else 160
    assert model(torch.zeros(2, 3, side, side)).shape == (2, 7)


def test_mean_and_std_are_the_models_own() -> None:
    assert input_config_of(build(Recipe(backbone="test_vit.r160_in1k"), names(2))).mean == (
        0.5,
        0.5,
        0.5,
    )
    assert input_config_of(build(Recipe(**SMALL), names(2))).mean == (0.485, 0.456, 0.406)


def test_the_kits_network_speaks_timms_language() -> None:
    import timm

    model = build(Recipe(**SMALL), names(10)).eval()
    assert model.get_classifier() is model.head
    assert model.forward_head(
        model.forward_features(torch.zeros(1, 3, 8, 8)), pre_logits=True
    ).shape == (1, 128)
    model.reset_classifier(0)
    assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 128)
    groups = timm.models.group_parameters(model, model.group_matcher())
    assert len(groups) >= 4


def test_an_unknown_backbone_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"backbone=resnet81: timm has no model.*resnet18"):
        check_backbones(["resnet81"])


@pytest.mark.parametrize(
    "names",
    [
        ("resnet18", "resnet18.a1_in1k"),
        ("resnet18", "hf-hub:timm/resnet18.a1_in1k"),
        ("local-dir:models/own", "local-dir:./models/own/"),
    ],
)
def test_one_network_under_two_names_is_refused(names: tuple[str, str]) -> None:
    with pytest.raises(KitError, match="one network under two names: leave one out"):
        check_doubles(names)


def test_networks_of_one_architecture_with_other_weights_are_two() -> None:
    check_doubles(["resnet18.a1_in1k", "resnet18.tv_in1k", "hf-hub:someone/resnet18.a1_in1k"])


def test_a_local_file_of_weights_is_loaded_but_for_its_head(tmp_path: Path) -> None:
    torch.manual_seed(1)
    trained = build(Recipe(**SMALL), names(5)).state_dict()
    for name in ("w.safetensors", "w.pth"):
        path = tmp_path / name
        save_file(trained, path) if name.endswith("safetensors") else torch.save(trained, path)
        same = build(Recipe(weights=str(path), **SMALL), names(5)).state_dict()
        other = build(Recipe(weights=str(path), **SMALL), names(3)).state_dict()
        for found in (same, other):
            assert all(
                torch.equal(found[n], trained[n]) for n in trained if not n.startswith("head")
            )
        assert other["head.weight"].shape[0] == 3


def test_weights_of_another_network_are_refused_by_name(tmp_path: Path) -> None:
    save_file(
        build(Recipe(backbone="test_resnet.r160_in1k"), names(5)).state_dict(),
        tmp_path / "w.safetensors",
    )
    with pytest.raises(ValueError, match=r"do not fit KitResNet: missing .* more; unexpected"):
        build(Recipe(weights=str(tmp_path / "w.safetensors"), **SMALL), names(5))


@pytest.mark.parametrize("content", [b"", b"not weights", b"\x08\0\0\0\0\0\0\0{}"])
@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
def test_a_broken_file_of_weights_is_refused_in_words(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"weights=.*{name}"):
        build(Recipe(weights=str(tmp_path / name), **SMALL), names(5))


class _Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("touched"),)


def test_code_in_a_file_of_weights_is_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"head.weight": _Evil()}, tmp_path / "w.pth")
    with pytest.raises(ValueError, match="code in it is never run"):
        build(Recipe(weights=str(tmp_path / "w.pth"), **SMALL), names(5))
    assert not (tmp_path / "touched").exists()


def test_pretrained_weights_out_of_reach_are_one_sentence() -> None:
    with pytest.raises(
        ValueError,
        match=r"not on this machine.*config.json and model.safetensors of timm/test_resnet",
    ):
        build(Recipe(backbone="test_resnet.r160_in1k", weights="pretrained"), names(5))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_frozen_backbone_keeps_parameters_and_statistics(name: str) -> None:
    model = build(Recipe(backbone=name), names(3))
    freeze(model, len(stages(model)))
    train_mode(model)
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1.0)
    model(torch.randn(4, 3, 160, 160)).square().sum().backward()
    optimiser.step()
    head = {id(p) for p in model.get_classifier().parameters()}
    own = {key for key, p in model.named_parameters() if id(p) in head}
    moved = {
        key for key, tensor in model.state_dict().items() if not torch.equal(tensor, before[key])
    }
    assert moved == own


@pytest.mark.shared
def test_real_imagenet_weights_load_from_a_timm_folder() -> None:
    folder = Path(__file__).parents[3].parent / "shared" / "weights" / "mobilenetv2_100.tf_in1k"
    if not folder.is_dir():
        pytest.skip("the shared weights are not here")
    model = build(Recipe(backbone=f"local-dir:{folder}", weights="pretrained"), names(1000))
    assert input_config_of(model).mean == (0.5, 0.5, 0.5)
