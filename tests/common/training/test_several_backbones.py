"""Heads on the features of several backbones: each backbone's in the cache, both in every prediction."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_backbones import model_folder
from toy_package import packed

from common.inference import features
from common.inference.feature_table import FeatureTable, TableOfSeveral
from common.runs import Run
from common.storage import read_json
from common.verbs import validate
from common.verbs.run import run as whole_run


@pytest.fixture
def solved(toy: Any) -> Any:
    """A request whose head is solved on frozen backbones, which it takes joined by +."""
    fixed = {"weights": "pretrained", "freeze": "backbone", "augment": "small-none", "epochs": 1}
    fixed |= {"head": "ridge", "views": "mirror", "folds": 3}
    return lambda backbone, **fields: toy(backbone=backbone, **(fixed | fields))


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    return [model_folder("kit_resnet9_16", tmp_path / str(seed), seed) for seed in (0, 1)]


def test_columns_of_several_tables_are_those_of_one() -> None:
    rng = np.random.default_rng(0)
    whole = rng.random((2, 9, 7), np.float32)
    parts = [FeatureTable([[each[:, :4], each[:, 4:]]]) for each in np.split(whole, [3], axis=2)]
    table, one = TableOfSeveral(parts), FeatureTable([[whole]])
    rows = np.array([8, 0, 3, 5])
    assert (table.count, table.views, table.width) == (one.count, one.views, one.width)
    for columns in (..., np.array([1, 2, 3, 6]), np.array([5]), np.arange(3, 7), np.arange(0)):
        assert np.array_equal(table.take(rows, columns), one.take(rows, columns))


def cached(request: Any) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in request.cache.rglob("features/*/*.npy")}


def test_only_the_features_of_a_new_backbone_are_computed(solved: Any, folders: list[str]) -> None:
    first = solved(folders[0])
    alone = read_json(Path(validate.run(first)["run"]) / "run.json")["head_grid"]
    there = cached(first)
    both = solved("+".join(folders), feature_choice="best")
    grid = read_json(Path(validate.run(both)["run"]) / "run.json")["head_grid"]
    now = cached(both)
    assert there.items() <= now.items() and len(now) == 2 * len(there)
    names = {point[3] for point in grid["points"]}
    assert names == {"all features", *(f"all of backbone {n}" for n in (1, 2))}
    losses = {tuple(p): loss for p, loss in zip(grid["points"], grid["losses"], strict=True)}
    for point, loss in zip(alone["points"], alone["losses"], strict=True):
        assert losses[*point[:3], "all of backbone 1"] == pytest.approx(loss, rel=1e-6)
    validate.run(
        solved("+".join(folders), head="linear", epochs=2)
    )  # by the optimiser, on the same
    assert cached(both) == now


def test_a_run_that_was_stopped_between_two_backbones_ends_as_one_that_was_not(
    solved: Any, folders: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    request = solved("+".join(folders))
    honest, written = features.write_block, []

    def cut(path: Path, *rest: Any, **more: Any) -> None:
        if written:
            raise KeyboardInterrupt
        written.append(path)
        honest(path, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(features, "write_block", cut)
        with pytest.raises(KeyboardInterrupt):
            validate.run(request)
    (kept,) = cached(request).items()
    run = Path(validate.run(request)["run"])
    assert kept in cached(request).items()
    weights = (run / "fold0" / "weights.safetensors").read_bytes()
    again = Path(validate.run(replace(request, fresh=True))["run"])
    assert again == run and (again / "fold0" / "weights.safetensors").read_bytes() == weights


@pytest.mark.slow
def test_a_run_goes_on_where_its_backbones_have_moved(
    solved: Any, folders: list[str], tmp_path: Path
) -> None:
    fields = {"feature_choice": "best", "final": "refit"}
    run = validate.run(solved("+".join(folders), **fields))["run"]
    moved = [f"local-dir:{tmp_path / 'moved' / str(number)}" for number in range(len(folders))]
    for old, new in zip(folders, moved, strict=True):
        shutil.copytree(old.removeprefix("local-dir:"), new.removeprefix("local-dir:"))
    found = whole_run(solved("+".join(moved), **fields))
    assert found["run"] == run and (Path(run) / "submission.csv").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"feature_pools": "mean+max", "head_views": "mirror"},
        {"head": "knn"},
        {"head": "boosting", "final": "folds"},
    ],
)
def test_a_kernel_carries_both_and_predicts_the_same_bytes(
    solved: Any, folders: list[str], fields: dict[str, Any], tmp_path: Path
) -> None:
    chosen = {"final": "refit", "feature_choice": "all" if "head" in fields else "best"}
    request = solved("+".join(folders), **chosen | fields)
    finished = Run(Path(whole_run(request)["run"]))
    made = packed(request, finished, tmp_path)
    for name in folders:  # which no kernel has
        (Path(name.removeprefix("local-dir:")) / "model.safetensors").unlink()
    made.predicted(made.data)
    written = (tmp_path / "out" / "submission.csv").read_bytes()
    assert written == (finished / "submission.csv").read_bytes()
