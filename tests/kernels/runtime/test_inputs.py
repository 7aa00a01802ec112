"""What is attached, put to use as inside a kernel: found in both layouts, checked, laid out."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest

from common.recipe import Recipe
from common.recipe_values import with_values
from common.runs import digests_of_files
from kernels.build.attachments import attachment
from kernels.runtime import inputs
from kernels.runtime.inputs import (
    check_versions,
    find_attached,
    install_wheels,
    known,
    words_of,
)

REPOSITORY = "timm/test_resnet.r160_in1k"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "input").mkdir()
    return tmp_path / "input"


def attach(root: Path, recipe: Recipe, wheels: Sequence[Path] = ()) -> Path:
    """A recipe's files as the site mounts its dataset."""
    files = attachment(recipe, wheels, root.parent / "made")
    folder = root / "datasets" / "you" / "petals-kit-inputs"
    folder.mkdir(parents=True)
    for name, path in files.items():
        (folder / name).write_bytes(path.read_bytes())
    return folder


@pytest.mark.parametrize("place", ["competitions/petals", "petals", "older/copy-of-petals"])
def test_the_data_are_found_wherever_they_are_mounted(root: Path, place: str) -> None:
    (root / place / "train").mkdir(parents=True)
    (root / place / "sample.csv").touch()
    assert known(root, "petals", "sample.csv") == root / place


def test_data_that_are_not_attached_or_not_clear_are_told_with_what_is_there(root: Path) -> None:
    for name in ("one", "two"):
        (root / "datasets" / "you" / name).mkdir(parents=True)
        (root / "datasets" / "you" / name / "sample.csv").touch()
    with pytest.raises(ValueError, match=r"several of the attached folders, .*/one, .*/two"):
        known(root, "petals", "sample.csv")
    with pytest.raises(ValueError, match=r"there is datasets/you/one, datasets/you/two.: add"):
        known(root, "petals", "")


def test_nothing_attached_is_nothing_and_two_datasets_of_inputs_are_refused(
    root: Path, tmp_path: Path
) -> None:
    (root / "kit-inputs-of-another-kind.json").write_text("[]", encoding="utf-8")
    assert find_attached(root) is None
    (tmp_path / "shots.csv").write_text("id,group\n", encoding="utf-8")
    folder = attach(root, Recipe(groups=str(tmp_path / "shots.csv")))
    assert find_attached(root) == folder
    folder.rename(folder.with_name("other"))
    attach(root, Recipe(groups=str(tmp_path / "shots.csv")))
    with pytest.raises(ValueError, match="several datasets of inputs are attached"):
        find_attached(root)


def test_files_and_folders_become_words_of_a_recipe_that_has_the_same_digests(
    root: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}", encoding="utf-8")
    (model / "model.safetensors").write_bytes(b"tensors")
    (model / "notes.txt").touch()
    (tmp_path / "best.pth").write_bytes(b"weights")
    (tmp_path / "shots.csv").write_text("id,group\n", encoding="utf-8")
    recipe = Recipe(
        backbone=f"local-dir:{model}",
        weights=str(tmp_path / "best.pth"),
        groups=str(tmp_path / "shots.csv"),
    )
    words = words_of(attach(root, recipe), tmp_path / "scratch")
    assert [word.partition("=")[0] for word in words] == ["backbone", "weights", "groups"]
    there = with_values(Recipe(), words)
    assert there.backbone != recipe.backbone
    assert Path(there.weights).name == "best.pth"
    assert digests_of_files(there) == digests_of_files(recipe)


def test_several_backbones_become_one_word(root: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(f'{{"of": "{name}"}}', encoding="utf-8")
    backbone = f"local-dir:{tmp_path / 'a'}+local-dir:{tmp_path / 'b'}"
    recipe = Recipe(backbone=backbone, weights="pretrained", freeze="backbone")
    (word,) = words_of(attach(root, recipe), tmp_path / "scratch")
    there = replace(recipe, backbone=word.removeprefix("backbone="))
    assert [Path(name).name for name in there.backbones] == ["0", "1"]
    assert digests_of_files(there) == digests_of_files(recipe)


def test_a_damaged_and_a_missing_file_are_named(root: Path, tmp_path: Path) -> None:
    (tmp_path / "best.pth").write_bytes(b"weights")
    folder = attach(root, Recipe(weights=str(tmp_path / "best.pth")))
    (file,) = folder.glob("*-best.pth")
    file.write_bytes(b"WEIGHTS")
    with pytest.raises(ValueError, match=r"best.pth is damaged: `kit <competition> kernel-inputs`"):
        words_of(folder, tmp_path / "scratch")
    file.unlink()
    with pytest.raises(ValueError, match=r"best.pth is not attached: `kit <competition> kernel"):
        words_of(folder, tmp_path / "again")


def test_a_model_of_the_hub_is_found_without_the_hub(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attached from one cache, and read by timm from another that the kernel made."""
    import huggingface_hub
    import timm
    import torch
    from safetensors.torch import save_file

    own = timm.create_model("test_resnet")
    snapshot = (
        tmp_path / "hub" / f"models--{REPOSITORY.replace('/', '--')}" / "snapshots" / "c0ffee"
    )
    snapshot.mkdir(parents=True)
    save_file(own.state_dict(), snapshot / "model.safetensors")
    (snapshot / "config.json").write_text("{}", encoding="utf-8")
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("c0ffee", encoding="utf-8")
    for name in ("HF_HUB_CACHE", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    folder = attach(root, Recipe(backbone="test_resnet.r160_in1k", weights="pretrained"))

    assert words_of(folder, tmp_path / "scratch") == []
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    cache = os.environ["HF_HUB_CACHE"]
    assert cache == str(tmp_path / "scratch" / "hub")
    read = timm.create_model("test_resnet.r160_in1k", pretrained=True, cache_dir=cache)
    pairs = zip(read.state_dict().values(), own.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)

    mixed = f"test_resnet.r160_in1k+local-dir:{snapshot}"
    recipe = Recipe(backbone=mixed, weights="pretrained", freeze="backbone")
    (word,) = words_of(attach(root / "mixed", recipe), tmp_path / "again")
    assert word == f"backbone=test_resnet.r160_in1k+local-dir:{tmp_path / 'again' / '1'}"


def wheel(folder: Path, tag: str = "py3-none-any") -> Path:
    path = folder / f"kit_petals-2.5-{tag}.whl"
    with ZipFile(path, "w") as archive:
        archive.writestr("kit_petals.py", "COLOUR = 'red'\n")
        archive.writestr("kit_petals-2.5.data/purelib/kit_more.py", "COLOUR = 'blue'\n")
        archive.writestr("kit_petals-2.5.dist-info/METADATA", "Name: kit-petals\nVersion: 2.5\n")
    return path


def test_a_wheel_is_imported_from_without_pip_or_an_index(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONPATH", "")
    install_wheels(attach(root, Recipe(), [wheel(tmp_path)]), tmp_path / "wheels")
    import kit_more  # type: ignore[import-not-found]
    import kit_petals  # type: ignore[import-not-found]

    assert (kit_petals.COLOUR, kit_more.COLOUR) == ("red", "blue")
    assert version("kit-petals") == "2.5"
    assert os.environ["PYTHONPATH"] == str(tmp_path / "wheels")


def test_a_wheel_for_another_python_is_refused(root: Path, tmp_path: Path) -> None:
    folder = attach(root, Recipe(), [wheel(tmp_path, "cp39-cp39-win_amd64")])
    with pytest.raises(ValueError, match=r"win_amd64.whl is not for Python 3"):
        install_wheels(folder, tmp_path / "wheels")


def test_versions_are_printed_and_what_is_too_old_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    check_versions()
    assert f"timm {version('timm')}" in capsys.readouterr().out
    wanted = ["six>=99", "kit-roses>=1", "numpy>=2.0"]
    monkeypatch.setattr(inputs, "declared", lambda: wanted)
    sentence = rf"six>=99 \({version('six')}\), kit-roses>=1 \(missing\); .*--wheel 'six>=99'"
    with pytest.raises(ValueError, match=sentence):
        check_versions()
