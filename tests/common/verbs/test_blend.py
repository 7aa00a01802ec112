"""`kit … blend`: a run of runs, which every other verb takes for a run."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from common import submission
from common.competition import Embedded
from common.data.pixels.store import open_store
from common.recipe import Recipe
from common.runs import Run
from common.storage import read_json, write_json
from common.targets import OneClass
from common.verbs import blend, ledger, predict, run, submit
from common.workflow.find_run import find_run
from common.workflow.request import Request
from common.workflow.run_results import data_of


def blended(request: Request, *members: Path, weights: str = "greedy") -> dict[str, Any]:
    return blend.run(request, blend.Options(tuple(members), weights))


def oof(folder: Path) -> tuple[list[str], np.ndarray]:
    with np.load(folder / "oof.npz") as kept:
        return kept["ids"].tolist(), kept["probs"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def pair(toy: Any, kept: Path) -> tuple[Path, Path]:
    """Two finished runs of the toy; trained once, and copied for each test."""
    if not (kept / "runs").is_dir():
        for request in (toy(epochs=1), toy(epochs=1, seed=1, folds=3)):
            run.run(request)
        shutil.copytree(toy().runs, kept / "runs")
    else:
        shutil.copytree(kept / "runs", toy().runs)
    names = [path.parent for path in toy().runs.glob("digits-toy-*/folds.csv")]
    one, other = sorted(names, key=lambda folder: Run(folder).recipe().folds)
    return one, other


def reordered(folder: Path) -> None:
    """The same run, had its rows and its classes stood in another order."""
    first = Run(folder)
    classes = read_json(folder / "classes.json")[::-1]
    for path in [*folder.glob("**/oof.npz"), *folder.glob("**/test-*.npz")]:
        with np.load(path) as kept:
            ids, probs = kept["ids"], kept["probs"]
        np.savez(path, ids=ids[::-1], probs=probs[::-1, ::-1])
    write_json(folder / "classes.json", classes)
    folds = pd.read_csv(folder / "folds.csv", dtype=str).iloc[::-1]
    folds.to_csv(folder / "folds.csv", index=False)
    labels = submission.read_csv(folder.parents[1] / "data/labels.csv")
    labels["path"] = [folder.parents[1] / f"data/train/{name}.png" for name in labels["id"]]
    store = open_store(labels, side=0, cache=folder.parents[1] / "cache")
    first.note(data=data_of(first, labels, store, OneClass(names=tuple(classes)), classes))


def test_a_blend_is_a_run_with_honest_scores(toy: Any, pair: tuple[Path, Path]) -> None:
    result = blended(toy(), *pair)
    folder = Path(result["run"])
    assert folder.name.startswith("digits-blend-")
    facts, scores = read_json(folder / "run.json"), read_json(folder / "scores.json")
    assert facts["kind"] == "blended"
    assert [Path(row["run"]) for row in facts["members"]] == list(pair)
    assert set(scores["blend"]["kinds"]) == {"equal", "rank", "greedy", "linear"}
    assert scores["blend"]["kind"] == "greedy"
    assert len(result["fold_scores"]) == 2  # the first run's folds
    assert (folder / "pictures/confusion.png").is_file()
    ids, probs = oof(folder)
    assert ids == oof(pair[0])[0]
    assert np.allclose(probs.sum(axis=1), 1, atol=1e-5)
    sample = submission.read_csv(toy().data / "sample_submission.csv")
    assert (
        submission.validate(
            submission.read_csv(folder / "submission.csv"),
            sample,
            submission.Format(kind="label", names=("0", "1", "2")),
        )
        == []
    )
    assert Run(folder).recipe() == Run(pair[0]).recipe()
    assert blended(toy(), *pair)["run"] == str(folder)
    assert blended(toy(), *pair, weights="equal")["run"] != str(folder)


def test_a_run_blended_with_itself_keeps_its_probs(toy: Any, pair: tuple[Path, Path]) -> None:
    result = blended(toy(), pair[0], pair[0])
    own, found = oof(pair[0]), oof(Path(result["run"]))
    assert own[0] == found[0]
    assert np.allclose(own[1], found[1], atol=1e-6)
    greedy = result["blend"]["kinds"]["greedy"]
    assert greedy["low"] == greedy["high"] == pytest.approx(0)


def test_rows_and_classes_in_another_order_change_nothing(
    toy: Any, pair: tuple[Path, Path]
) -> None:
    before = Path(blended(toy(), *pair)["run"])
    reordered(pair[1])
    after = Path(blended(toy(), *pair)["run"])
    assert after != before
    for one, other in zip(oof(before), oof(after), strict=True):
        assert np.array_equal(one, other)
    assert (before / "submission.csv").read_text() == (after / "submission.csv").read_text()


@pytest.mark.slow
def test_a_blend_can_be_blended_again_and_submitted(
    toy: Any, pair: tuple[Path, Path], monkeypatch: Any
) -> None:
    monkeypatch.delenv("KAGGLE_API_ENVIRONMENT")
    known = pd.DataFrame(
        {"id": [f"{n:02}e7" for n in range(60)], "label": [str(n % 3) for n in range(60)]}
    )
    table = known.assign(hidden=known.index >= 48)
    request = toy()
    competition = replace(
        request.competition, embedded=lambda: Embedded(table=table, images=[b""] * 60)
    )
    request = replace(request, competition=competition)
    first = Path(blended(request, *pair)["run"])
    again = Path(blended(request, first, pair[1], weights="rank")["run"])
    result = submit.run(replace(request, run=again), submit.Options())
    assert result["private"] >= 0.5
    rows = ledger.run(ledger.Options(request.runs), None)["competitions"][0]["submissions"]
    assert [row["run"] for row in rows] == [again.name]
    with pytest.raises(ValueError, match="is blended and has no models of its own"):
        predict.run(replace(toy(), run=again))


def test_fields_never_mean_a_blend(toy: Any, pair: tuple[Path, Path]) -> None:
    blended(toy(), *pair)
    assert find_run(toy("epochs=1")).folder == pair[0]
    assert find_run(toy()).folder not in pair


def test_a_run_without_a_test_prediction_names_the_call(toy: Any, pair: tuple[Path, Path]) -> None:
    next(pair[1].glob("predictions/*/test-*.npz")).unlink()
    with pytest.raises(ValueError, match=rf"kit <competition> predict --run {pair[1]}` does"):
        blended(toy(), *pair)
    with pytest.raises(ValueError, match="two runs or more"):
        blended(toy(), pair[0])


def test_runs_of_other_rows_are_refused(toy: Any, pair: tuple[Path, Path]) -> None:
    sample = Path(run.run(toy(rows=24, folds=1, epochs=1))["run"])
    with pytest.raises(ValueError, match=r"from 24 rows, and here are 48.*same rows="):
        blended(toy(), pair[0], sample)
    (held,) = pair[1].glob("predictions/*/oof.npz")
    ids, probs = oof(held.parent)
    np.savez(held, ids=ids[7:], probs=probs[7:])
    with pytest.raises(ValueError, match=r"no prediction for 00e7, 01e7, .* and 2 more"):
        blended(toy(), *pair)


def test_runs_of_other_labels_are_refused(toy: Any, pair: tuple[Path, Path]) -> None:
    path = toy().data / "labels.csv"
    lines = path.read_text().splitlines()
    lines[1], lines[2] = (
        f"{a.split(',')[0]},{b.split(',')[1]}" for a, b in (lines[1:3], lines[2:0:-1])
    )
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(ValueError, match="other labels or images"):
        blended(toy(), *pair)


@pytest.mark.slow
def test_hold_outs_are_blended_by_halves_and_judged_whole(toy: Any) -> None:
    pair = [Path(run.run(toy(folds=1, holdout=0.5, epochs=1, seed=seed))["run"]) for seed in (0, 1)]
    result = blended(toy(), *pair)
    assert len(result["fold_scores"]) == 1
    assert result["n"] == 24
    assert result["cv"] == pytest.approx(result["pooled"])
    assert Recipe(**read_json(Path(result["run"]) / "run.json")["recipe"]).folds == 1
