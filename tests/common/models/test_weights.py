"""Weights: unwrapped where they are wrapped, refused where they do not fit, never half-read."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from common.models.backbone import build
from common.models.weights import check_pretrained, read_weights
from common.recipe import Recipe

CLASSES = ("ant", "bee", "cat")
SMALL = "kit_resnet9_16"


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(4)
    return dict(build(Recipe(), ["0", "1", "2", "3", "4"]).state_dict())


def body_of(path: Path) -> dict[str, torch.Tensor]:
    found = build(Recipe(weights=str(path)), CLASSES).state_dict()
    return {name: tensor for name, tensor in found.items() if "head" not in name}


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "model.", "module.model."])
@pytest.mark.parametrize("wrapper", ["", "state_dict", "model", "state_dict_ema"])
def test_a_wrapped_checkpoint_is_unwrapped(
    state: dict[str, torch.Tensor], tmp_path: Path, prefix: str, wrapper: str
) -> None:
    named = {prefix + name: tensor for name, tensor in state.items()}
    content = {wrapper: named, "epoch": 3, "optimizer": {"lr": 0.1}} if wrapper else named
    torch.save(content, tmp_path / "w.pth")
    body = body_of(tmp_path / "w.pth")
    assert all(torch.equal(body[name], state[name]) for name in body)


def test_averaged_weights_are_taken_before_the_last(
    state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    zeros = {name: torch.zeros_like(tensor) for name, tensor in state.items()}
    torch.save({"state_dict": zeros, "state_dict_ema": state}, tmp_path / "w.pth")
    assert torch.equal(read_weights(tmp_path / "w.pth")["head.weight"], state["head.weight"])


def test_what_a_wrapper_counts_beside_the_weights_is_left_out(
    state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    averaged = {f"module.{name}": tensor for name, tensor in state.items()}
    torch.save(averaged | {"n_averaged": torch.tensor(7)}, tmp_path / "w.pth")
    assert body_of(tmp_path / "w.pth")


def test_a_file_without_a_classifier_gives_the_body_alone(
    state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    body = {name: tensor for name, tensor in state.items() if not name.startswith("head")}
    save_file(body, tmp_path / "w.safetensors")
    assert all(torch.equal(t, body[n]) for n, t in body_of(tmp_path / "w.safetensors").items())


def test_old_rows_of_a_file_without_a_classifier_are_refused(
    state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    body = {name: tensor for name, tensor in state.items() if not name.startswith("head")}
    save_file(body, tmp_path / "w.safetensors")
    for head in ("rows", "logits-mlp"):
        with pytest.raises(ValueError, match="has no classifier"):
            build(Recipe(weights=str(tmp_path / "w.safetensors"), head=head), CLASSES)


def test_a_missing_layer_is_named(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    del state["stem.0.weight"]
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match=r"do not fit KitResNet: missing stem\.0\.weight\. Set"):
        body_of(tmp_path / "w.safetensors")


def test_a_model_folder_that_is_not_whole_is_refused_before_anything_starts(
    state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"config\.json and model\.safetensors missing"):
        check_pretrained(f"local-dir:{tmp_path}")
    with pytest.raises(ValueError, match=r"the \+ is read as part of the path"):
        check_pretrained(f"local-dir:{tmp_path}+")
    (tmp_path / "config.json").write_text("{}")
    save_file(state, tmp_path / "model.safetensors")
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged"):
        check_pretrained(f"local-dir:{tmp_path}")


def test_weights_that_are_not_on_this_machine_are_told_with_the_folder_to_put_where() -> None:
    with pytest.raises(
        ValueError,
        match=r"HF_HUB_OFFLINE.*timm/resnet18\.a1_in1k.*backbone=local-dir:FOLDER.*models--timm--",
    ):
        check_pretrained("resnet18.a1_in1k")


def test_a_backbone_that_was_never_trained_has_no_weights() -> None:
    with pytest.raises(ValueError, match="no pretrained weights of kit_resnet9_16"):
        check_pretrained(SMALL)


def test_every_backbone_that_the_documentation_names_has_weights() -> None:
    import re

    import timm

    text = (Path(__file__).parents[3] / "docs/finetuning.md").read_text(encoding="utf-8")
    named = re.findall(r"`([a-z0-9_]+\.[a-z0-9_]*in[0-9]+k[a-z0-9_]*)`", text)
    assert len(named) > 15
    for name in named:
        facts = timm.get_pretrained_cfg(name)
        assert facts is not None, name
        assert facts.has_weights, name


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_named_before_anything_trains(
    state: dict[str, torch.Tensor], tmp_path: Path, value: float
) -> None:
    state["stem.0.weight"][0] = value
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match=r"nan or infinity in 1 tensor of .*\(stem\.0\.weight\)"):
        body_of(tmp_path / "w.safetensors")


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth", "config.json", "model.safetensors"])
def test_a_pointer_of_git_lfs_is_called_what_it_is(tmp_path: Path, name: str) -> None:
    for each in ("config.json", "model.safetensors"):
        (tmp_path / each).write_text("{}")
    (tmp_path / name).write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n"
    )
    local = name in ("config.json", "model.safetensors")
    fields = {"backbone": f"local-dir:{tmp_path}"} if local else {}
    weights = "pretrained" if local else str(tmp_path / name)
    with pytest.raises(ValueError, match=rf"{name} is a pointer of Git LFS .*`git lfs pull`"):
        build(Recipe(weights=weights, **fields), CLASSES)
