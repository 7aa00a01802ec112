"""Weights in half precision: half the bytes, the same network, and what it costs on held-out rows."""

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from toy_package import Made

from common.errors import KitError
from common.workflow.files import open_files
from common.workflow.predicting.contents import Package
from common.workflow.predicting.half import halved, roundings
from common.workflow.predicting.package import package_of


def test_matrices_are_rounded_and_vectors_kept(dogs: Made, tmp_path: Path) -> None:
    package = package_of(dogs.request, dogs.run)
    found = halved(package, tmp_path)
    assert found.half
    assert not package.half
    for name, path in package.files.items():
        if name.endswith(".safetensors"):
            assert found.files[name].stat().st_size < 0.6 * path.stat().st_size
            whole, half = load_file(path), load_file(found.files[name])
            kinds = {each.dtype for each in half.values() if each.ndim > 1}
            assert kinds == {torch.float16}
            assert all(torch.equal(half[key], whole[key]) for key in whole if whole[key].ndim < 2)


def test_what_rounding_costs_is_measured_on_the_rows_that_each_fold_held_out(
    dogs: Made, tmp_path: Path
) -> None:
    package = package_of(dogs.request, dogs.run)
    (found,) = roundings(dogs.request, package, open_files(dogs.request), tmp_path)
    assert (found.run, found.rows) == (dogs.run.folder.name, 28)
    assert found.before == pytest.approx(found.after, abs=1e-2)
    assert 0 < found.largest < 1e-2


def test_a_weight_beyond_half_precision_is_refused_by_name(dogs: Made, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"stem.weight": torch.full((2, 2), 1e6)}, path)
    package = Package(dogs.run, files={"0/fold0/weights.safetensors": path})
    with pytest.raises(KitError, match=re.escape(f"stem.weight of {path} is too large for half")):
        halved(package, tmp_path / "out")
