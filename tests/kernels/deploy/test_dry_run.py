"""Two submissions compared: equal bytes, or where and by how much they differ."""

import json
from pathlib import Path
from typing import Any

import pytest

import competitions
import kit
from common.kaggle.machines import T4S
from common.recipe import Recipe
from common.recipe_values import with_values
from common.storage import read_json
from common.workflow.request import Request
from kernels.deploy import dry_run
from kernels.deploy.dry_run import check_equal, difference
from kernels.deploy.sampled import cut_short, trains_several_at_once
from kernels.sandbox import virtualenv


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_equal_bytes_are_equal(tmp_path: Path) -> None:
    one, other = (written(tmp_path, name, "id,a\n1,0.5\n") for name in ("one", "other"))
    assert difference(one, other) == {"equal": True}


def test_probabilities_that_differ_are_measured(tmp_path: Path) -> None:
    one = written(tmp_path, "one", "image,a,b\n1,0.5,0.5\n2,0.1,0.9\n3,1,0\n")
    other = written(tmp_path, "other", "image,a,b\n1,0.5,0.5\n2,0.3,0.7\n3,0.75,0.25\n")
    found = difference(one, other)
    assert found["differing"] == 2
    assert found["largest"] == pytest.approx(0.25)


def test_labels_that_differ_are_counted(tmp_path: Path) -> None:
    one = written(tmp_path, "one", "id,label\n1,cat\n2,dog\n")
    other = written(tmp_path, "other", "id,label\n2,cat\n1,cat\n")
    assert difference(one, other) == {"equal": False, "differing": 1, "largest": None}


def test_other_rows_differ_altogether(tmp_path: Path) -> None:
    one = written(tmp_path, "one", "id,label\n1,cat\n")
    other = written(tmp_path, "other", "id,label\n2,cat\n")
    assert difference(one, other)["differing"] == 1


def test_a_difference_is_told_with_both_files() -> None:
    facts = {
        "equal": False,
        "differing": 2,
        "largest": 0.25,
        "rows": 3,
        "submission": "there.csv",
        "local": "here.csv",
    }
    with pytest.raises(
        ValueError, match=r"in 2 of 3 rows, by at most 0\.25: .* nothing was pushed"
    ):
        check_equal(facts)


@pytest.mark.parametrize(
    ("machine", "fields", "several"),
    [
        (T4S, {}, True),
        (T4S, {"folds": 1, "models_per_fold": 3}, True),
        (T4S, {"folds": 0, "final": "refit", "decision": "none"}, False),
        (T4S, {"folds": 1}, False),
        (T4S, {"processes": 1}, False),
        (T4S, {"ray": "none"}, False),
        (T4S, {"gpus": 2}, False),
        ("NvidiaL4X1", {}, False),
        ("", {}, False),
        ("", {"processes": 3}, True),
    ],
)
def test_models_are_trained_at_once_where_a_machine_has_gpus_for_them(
    machine: str, fields: dict[str, Any], several: bool
) -> None:
    assert trains_several_at_once(Recipe(**{"folds": 5, **fields}), machine) is several


def test_every_recipe_can_be_cut_short() -> None:
    for name in competitions.names():
        competition = competitions.load(name)
        for recipe in competition.recipes:
            for several in (False, True):
                request = Request(competition=competition, recipe_name=recipe)
                words = cut_short(request, several=several)
                short = with_values(competition.recipes[recipe], words)
                assert short.epochs <= 4, (name, recipe)
                models = max(1, short.folds) * short.models_per_fold * short.repeats
                assert (models, short.processes) == ((2, 2) if several else (1, 1)), (name, recipe)


@pytest.mark.slow
@pytest.mark.parametrize("sample", [("--sample", "60"), ()])
def test_a_kernel_for_two_gpus_is_run_sealed_on_two_ray_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: tuple[str, ...]
) -> None:
    monkeypatch.delenv("KAGGLE_API_ENVIRONMENT")
    places = ["--data", str(tmp_path / "data"), "--runs", str(tmp_path / "runs")]
    small = ["rows=150", "epochs=1", "folds=2", "groups=identical"]
    assert kit.main(["digits", "download", *places]) == 0
    assert kit.main(["digits", "kernel", "--dry-run", *small, *sample, *places]) == 0
    (folder,) = (tmp_path / "runs" / "kernels").iterdir()
    proof = json.loads((folder / "proof.json").read_text(encoding="utf-8"))
    assert proof["equal"] is True
    log = (folder / "dry-run" / "log.jsonl").read_text(encoding="utf-8")
    assert "training 2 of 2 models on cpu, 2 at a time" in log
    here = read_json(Path(proof["local"]).with_name("run.json"))
    assert "processes" not in here, "one process, without Ray, has made the same bytes"


@pytest.mark.slow
def test_a_dry_run_without_ray_says_what_differs_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("KAGGLE_API_ENVIRONMENT")
    monkeypatch.setattr(dry_run, "is_installed", lambda: False)
    monkeypatch.setattr(virtualenv, "RAY", "")
    virtualenv.packages.cache_clear()
    places = ["--data", str(tmp_path / "data"), "--runs", str(tmp_path / "runs")]
    small = ["rows=150", "epochs=1", "folds=2", "groups=identical", "--sample", "60"]
    assert kit.main(["digits", "download", *places]) == 0
    assert kit.main(["digits", "kernel", "--dry-run", *small, *places]) == 0
    virtualenv.packages.cache_clear()
    told = capfd.readouterr().err
    assert "on NvidiaTeslaT4 Ray, which its image has, trains several models at once; here" in told
    assert "2 models could be trained at once, by Ray, which is not installed" in told
    assert "dry run: 12 rows, byte for byte those of" in told
