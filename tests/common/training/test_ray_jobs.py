"""Jobs beside each other on Ray: the numbers of one process, or one sentence."""

import os
from pathlib import Path
from typing import Any

import pytest
from toy_ray import children, named, two_nodes

from common.storage import read_json
from common.verbs import run, validate


def results(run: str) -> dict[str, bytes]:
    found = [*Path(run).glob("fold*/weights.safetensors"), Path(run) / "oof.npz"]
    return {str(path.relative_to(run)): path.read_bytes() for path in found}


def test_two_processes_train_to_the_bits_of_one(toy: Any) -> None:
    whole = results(validate.run(toy(epochs=1))["run"])
    found = validate.run(toy("processes=2", epochs=1, fresh=True))["run"]
    assert results(found) == whole
    assert len(read_json(Path(found) / "run.json")["processes"]) == 2


@pytest.mark.slow
def test_two_machines_without_a_shared_disk_give_the_bytes_of_one(toy: Any, tmp_path: Path) -> None:
    whole = results(run.run(toy(folds=3, epochs=2))["run"])
    with two_nodes(tmp_path / "nodes") as (address, _, other):
        found = run.run(toy(f"ray={address}", folds=3, epochs=2, fresh=True))["run"]
        assert results(found) == whole
        assert list(other.cache.glob("stores/*/pixels*")), "the second machine fetched no images"
        assert not list(other.cache.glob("jobs/*/*/*"))
    left = children(os.getpid())
    assert not named(left, "ray"), left
