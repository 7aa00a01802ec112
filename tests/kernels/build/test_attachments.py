"""What a recipe needs, as flat files: the same names and bytes for the same contents, and no path."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from common.errors import KitError
from common.kaggle.server.host import Host
from common.recipe import Recipe
from common.workflow.submitting.local_kaggle import environment_set
from kernels.build.attachments import attachment, dataset_name, needs
from kernels.build.wheels import wheel_of
from kernels.verbs import kernel_inputs

ROOT = Path(__file__).parents[3]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder of private name with weights, a model folder and groups."""
    place = tmp_path / "home-of-ann"
    (place / "model").mkdir(parents=True)
    (place / "best.pth.tar").write_bytes(b"weights")
    (place / "shots.csv").write_text("id,group\n1,a\n", encoding="utf-8")
    (place / "model" / "config.json").write_text("{}", encoding="utf-8")
    (place / "model" / "model.safetensors").write_bytes(b"tensors")
    (place / "model" / "empty.txt").touch()
    return place


def recipe_in(place: Path, **fields: Any) -> Recipe:
    return Recipe(
        backbone=f"local-dir:{place / 'model'}",
        weights=str(place / "best.pth.tar"),
        groups=str(place / "shots.csv"),
        **fields,
    )


def manifest_of(files: dict[str, Path]) -> dict[str, Any]:
    (name,) = (name for name in files if name.startswith("kit-inputs-"))
    found: dict[str, Any] = json.loads(files[name].read_text(encoding="utf-8"))
    return found


def test_a_recipe_from_scratch_needs_nothing() -> None:
    assert needs(Recipe()) == []
    assert needs(Recipe(groups="none")) == []
    with pytest.raises(KitError, match="needs that run's models, which no kernel carries"):
        needs(Recipe(pseudo="runs/a"))


def test_only_fields_that_name_files_of_this_machine_are_paths() -> None:
    found = needs(Recipe(backbone="resnet18.a1_in1k", weights="pretrained"))
    assert [(need.field, need.is_path) for need in found] == [("backbone", False)]
    found = needs(Recipe(backbone="local-dir:models/a", weights="pretrained", groups="shots.csv"))
    assert [(need.field, need.is_path) for need in found] == [("backbone", True), ("groups", True)]


def test_the_files_are_flat_and_the_manifest_names_no_folder_of_this_machine(place: Path) -> None:
    files = attachment(recipe_in(place), [], place / "out")
    assert all("/" not in name for name in files)
    endings = sorted(name.partition("-")[2] for name in files if not name.startswith("kit-inputs"))
    # The site would unpack a .tar, and takes no empty file.
    assert endings == ["best.pth.tar.data", "config.json", "model.safetensors", "shots.csv"]
    found = manifest_of(files)
    assert [item["text"] for item in found["items"]] == [
        "local-dir:model",
        "best.pth.tar",
        "shots.csv",
    ]
    assert "home-of-ann" not in json.dumps(found)


def test_equal_contents_elsewhere_give_equal_names_and_bytes(place: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    shutil.copytree(place, other)
    one = attachment(recipe_in(place, epochs=3), [], tmp_path / "one")
    two = attachment(recipe_in(other, epochs=9), [], tmp_path / "two")
    assert {n: p.read_bytes() for n, p in one.items()} == {
        n: p.read_bytes() for n, p in two.items()
    }
    (other / "best.pth.tar").write_bytes(b"WEIGHTS")
    changed = attachment(recipe_in(other), [], tmp_path / "two")
    assert len(set(changed) - set(one)) == 2  # the weights and the manifest


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"weights": "gone.pth"}, r"weights=gone.pth: there is no such file"),
        ({"backbone": "local-dir:gone"}, r"backbone=local-dir:gone: config.json is missing"),
        (
            {"backbone": "test_resnet.r160_in1k", "weights": "pretrained"},
            r"not on this machine yet \(timm/test_resnet.r160_in1k in .*validate` fetches them",
        ),
    ],
)
def test_what_is_not_here_is_told_in_words(
    tmp_path: Path, fields: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        attachment(Recipe(**fields), [], tmp_path)  # type: ignore[arg-type]


def test_slug_and_title_of_a_dataset_keep_to_the_sites_limits() -> None:
    assert dataset_name("petals") == ("petals-kit-inputs", "petals kit inputs")
    name, title = dataset_name("a-competition-of-a-name-that-is-far-too-long-for-that")
    assert len(name) <= 50 and len(title) <= 50 and name.endswith("-kit-inputs")


def test_a_wheel_is_fetched_once_for_the_python_of_kaggles_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    for tag in ("cp312-cp312-manylinux_2_17_x86_64", "cp311-cp311-manylinux_2_17_x86_64"):
        with ZipFile(shop / f"petals-1.0-{tag}.whl", "w") as wheel:
            wheel.writestr("petals.py", "")
            wheel.writestr("petals-1.0.dist-info/METADATA", "Name: petals\nVersion: 1.0\n")
            wheel.writestr("petals-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop))
    found = wheel_of("petals>=1", tmp_path / "cache")
    assert found.name == "petals-1.0-cp312-cp312-manylinux_2_17_x86_64.whl"
    with pytest.raises(ValueError, match=r"--wheel roses: pip cannot fetch .*No matching"):
        wheel_of("roses", tmp_path / "cache")
    shutil.rmtree(shop)
    assert wheel_of("petals>=1", tmp_path / "cache") == found


def test_a_recipe_without_needs_uploads_nothing_and_says_so(
    toy: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    request = toy()
    assert kernel_inputs.run(request, kernel_inputs.Options()) == {
        "dataset": None,
        "files": 0,
        "bytes": 0,
        "uploaded": False,
        "notes": "",
    }
    assert "recipe toy needs no inputs" in capsys.readouterr().err


def test_inputs_are_uploaded_once_and_again_when_a_content_has_changed(
    toy: Any, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.kaggle.server.datasets.PREPARING_S", 0.0)
    request = toy(groups=str(place / "shots.csv"))
    with Host([], folder=place / "host") as host, environment_set(host.environment):
        first = kernel_inputs.run(request, kernel_inputs.Options())
        assert first["dataset"] == "you/digits-kit-inputs"
        assert (first["files"], first["uploaded"]) == (2, True)
        assert first["notes"] == "toy: groups=shots.csv"
        assert kernel_inputs.run(request, kernel_inputs.Options())["uploaded"] is False
        assert "there already: nothing was uploaded" in capsys.readouterr().err
        (place / "shots.csv").write_text("id,group\n1,b\n", encoding="utf-8")
        assert kernel_inputs.run(request, kernel_inputs.Options())["uploaded"] is True


def test_the_verb_is_listed_and_has_its_help() -> None:
    done = subprocess.run(
        [sys.executable, "kit.py", "digits", "kernel-inputs", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert "--wheel SPEC" in done.stdout
