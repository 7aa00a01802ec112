"""What `kit new --data` writes passes `kit … check` and the contract, in a copy of the checkout."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from toy_layouts import SEVEN
from toy_more_layouts import MORE

ROOT = Path(__file__).parents[3]
LAYOUTS = MORE | {f"another_{name}": build for name, (_, build) in SEVEN.items()}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("kit.py", "common", "competitions", "kernels", "tests", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    return folder


def call(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False
    )


def written(name: str, checkout: Path, data: Path) -> None:
    """Have `kit new` write a layout's folder into the copy, if another test has not."""
    words = LAYOUTS[name](data)
    if (checkout / "competitions" / f"toy_{name}").is_dir():
        return
    options = [word for key, value in words.items() for word in (f"--{key}", value)]
    made = call(checkout, "kit.py", "new", f"toy-{name}", "--data", str(data), *options)
    assert made.returncode == 0, made.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYOUTS)
def test_the_folder_passes_check_on_its_files(name: str, checkout: Path, tmp_path: Path) -> None:
    slug = f"toy-{name}"
    written(name, checkout, tmp_path / "data")
    places = ("--data", str(tmp_path / "data"), "--runs", str(tmp_path / "runs"))
    checked = call(checkout, "kit.py", slug, "check", "--json", *places)
    assert checked.returncode == 0, checked.stderr
    told = json.loads(checked.stdout.splitlines()[-1])
    assert told["train"] == 12
    assert not [
        each for each in told["problems"] if "smaller" not in each and "side" not in each
    ], told


@pytest.mark.slow
def test_every_folder_that_was_written_keeps_the_contract(checkout: Path, tmp_path: Path) -> None:
    for name in LAYOUTS:
        written(name, checkout, tmp_path / name)
    found = call(checkout, "-m", "pytest", "tests/competitions/test_contract.py", "-k", "toy_")
    assert found.returncode == 0, found.stdout[-3000:]
    assert len([*(checkout / "competitions").glob("toy_*")]) == len(LAYOUTS)
