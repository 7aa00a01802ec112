"""The ledger that decides: intervals at the board's size, the last gain, two files and why."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from toy_competitions import laid_out, request_of, toy_competition
from toy_reported import EVIL, judged_run

from common import ledger
from common.errors import KitError
from common.ledger import Entry
from common.runs import Run
from common.storage import write_json
from common.targets import Numbers, OneClass
from common.verbs import report
from common.verbs.ledger import Options
from common.verbs.ledger import run as list_ledger
from common.workflow.report.advice import advice
from common.workflow.report.held import held_of


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Three judged runs with their true answers: a good one, another as good, a bad one."""
    folder = tmp_path_factory.mktemp("kept")
    competition = toy_competition(OneClass(), "accuracy", ["label"])
    laid_out(competition, folder / "data", count=96, label=["cat", "dog", "frog"] * 32)
    request, found = request_of(competition, folder), {}
    for number, (name, noise) in enumerate((("good", 1.4), ("other", 1.4), ("bad", 9.0))):
        made = judged_run(replace(request, words=(f"seed={number}",)), noise, seed=number)
        report.run(request, report.Options((made.folder,)))
        found[name] = made.folder.name
    return folder / "runs", found


@pytest.fixture
def runs(kept: tuple[Path, dict[str, str]], tmp_path: Path) -> dict[str, Run]:
    """Copies of them."""
    shutil.copytree(kept[0], tmp_path / "runs")
    return {name: Run(tmp_path / "runs" / folder) for name, folder in kept[1].items()}


def entered(run: Run, number: int, public: float | None = None, **more: Any) -> Entry:
    scores = run.read("scores.json")
    entry = Entry(
        time=f"2026-01-0{number + 1}T00:00:00+00:00", competition="toy", run=run.folder.name,
        recipe="toy", metric=scores["metric"], cv=scores["cv"], cv_sd=scores["cv_sd"],
        public=public, private=None, file=f"f{number}", ref=number,
    )  # fmt: skip
    return replace(entry, **more)


def rescored(run: Run, **scores: Any) -> None:
    write_json(run / "scores.json", run.read("scores.json") | scores)


def predicted_again(run: Run, worse: Run, **scores: Any) -> None:
    """Keep a run's submitted predictions below predictions/, and score others of `worse` since."""
    for name, source, facts in (("aa", run, {}), ("bb", worse, scores)):
        folder = run / "predictions" / name
        folder.mkdir(parents=True)
        shutil.copy(source / "oof.npz", folder)
        write_json(folder / "scores.json", run.read("scores.json") | facts)
    for path in (run / "predictions" / "bb").iterdir():
        shutil.copy(path, run.folder)


@pytest.mark.parametrize("recorded", [True, False])
def test_a_submission_is_judged_by_its_own_predictions_whatever_was_scored_since(
    runs: dict[str, Run], tmp_path: Path, recorded: bool
) -> None:
    good, other = runs["good"], runs["other"]
    entries = [entered(good, 0), entered(other, 1)]
    before = advice(entries, tmp_path / "runs", 0.3).lines
    predicted_again(good, runs["bad"], cv=0.1, optimistic="x", predict={"views": "mirror"})
    if recorded:  # of the same scores, so that the record alone can tell
        shutil.copy(good / "predictions" / "aa" / "scores.json", good / "predictions" / "bb")
        sent = {"ref": 0, "file": "f0", "predictions": "predictions/aa"}
        good.note(submitted=[sent])
    assert advice(entries, tmp_path / "runs", 0.3).lines == before
    shutil.rmtree(good / "predictions" / "aa")
    gone = advice(entries, tmp_path / "runs", 0.3).lines[0]
    assert f"as {good.folder.name} holds no predictions, or several, with the score of" in gone


def test_two_predictions_of_one_score_are_not_taken_for_one_another(
    runs: dict[str, Run], tmp_path: Path
) -> None:
    good = runs["good"]
    predicted_again(good, runs["bad"])
    found = advice([entered(good, 0), entered(runs["other"], 1)], tmp_path / "runs", 0.3)
    assert "holds no predictions, or several, with the score of submission 0" in found.lines[0]
    shutil.copy(good / "predictions" / "aa" / "oof.npz", good / "predictions" / "bb")
    found = advice([entered(good, 0), entered(runs["other"], 1)], tmp_path / "runs", 0.3)
    assert "no interval" not in found.lines[0]  # both hold the same


def test_the_two_picks_are_the_best_cv_and_the_one_that_errs_most_unlike_it(
    runs: dict[str, Run], tmp_path: Path
) -> None:
    entries = [entered(run, at, 0.9) for at, run in enumerate(runs.values())]
    found = advice(entries, tmp_path / "runs", 0.3)
    best = max(("good", "other"), key=lambda name: runs[name].read("scores.json")["cv"])
    rest = ({"good", "other"} - {best}).pop()
    assert found.picks == [runs[best].folder.name, runs[rest].folder.name]
    told = "\n".join(found.lines)
    assert "the best honest CV" in told and "errors are least like those of pick 1" in told
    assert f"the last gain: {runs['bad'].folder.name} against" in told and "a loss" in told


def test_a_score_by_another_metric_is_left_out_and_said_so(
    runs: dict[str, Run], tmp_path: Path, capsys: Any
) -> None:
    entries = [entered(run, at, 0.5) for at, run in enumerate(runs.values())]
    entries[0] = replace(entries[0], metric="log_loss", cv=9.0)
    found = advice(entries, tmp_path / "runs", 0.3)
    assert entries[0].run not in found.picks
    assert "not compared: 1 submission scored by another" in found.lines[0]
    for each in entries:
        ledger.record(tmp_path / "runs" / ledger.NAME, each)
    listed = list_ledger(Options(runs=tmp_path / "runs", html=True), None)  # type: ignore[arg-type]
    told = capsys.readouterr().err
    assert "toy, accuracy" in told and told.count("by log loss") == 1
    page = Path(listed["html"]).read_text(encoding="utf-8")
    assert "accuracy" in page and "log loss" not in page


def test_a_cv_that_flatters_is_not_picked(runs: dict[str, Run], tmp_path: Path) -> None:
    rescored(runs["good"], cv=1.0, optimistic="x")
    entries = [entered(run, at) for at, run in enumerate(runs.values())]
    found = advice(entries, tmp_path / "runs", 0.3)
    assert found.picks[0] == runs["other"].folder.name
    assert f"not counted: {runs['good'].folder.name}: x" in "\n".join(found.lines)


def test_without_true_answers_there_is_no_interval_and_the_sentence_says_how_to_get_it(
    runs: dict[str, Run], tmp_path: Path
) -> None:
    (runs["other"] / "truth.npz").unlink()
    found = advice([entered(runs["good"], 0), entered(runs["other"], 1)], tmp_path / "runs", 0.3)
    assert f"no interval, as {runs['other'].folder.name} has no" in found.lines[0]
    nothing = advice([replace(entered(runs["good"], 0), run="gone")], tmp_path / "runs", 0.3)
    assert nothing.picks == ["gone"] and nothing.candidates[0].held is None


def test_a_board_of_fewer_rows_is_known_less_well_by_the_root_of_their_number(
    runs: dict[str, Run], tmp_path: Path
) -> None:
    found = advice([entered(runs["bad"], 0, 0.5)], tmp_path / "runs", 0.3).candidates[0]
    assert found.board(0.3) is None  # no test set was predicted
    known = replace(found, test_rows=4 * len(found.held.ids) if found.held else 0)
    assert known.held and known.board(0.25) == pytest.approx(
        (known.held.interval.high - known.held.interval.low) / 2
    )
    assert known.board(1.0) == pytest.approx((known.board(0.25) or 0) / 2)


def test_runs_that_held_out_no_row_in_common_are_picked_by_cv_without_an_interval(
    runs: dict[str, Run], tmp_path: Path
) -> None:
    for name, half in (("good", slice(0, 48)), ("other", slice(48, 96))):
        with np.load(runs[name] / "oof.npz") as kept:
            np.savez(runs[name] / "oof.npz", ids=kept["ids"][half], probs=kept["probs"][half])
        rescored(runs[name], cv=0.9 if name == "good" else 0.8)
    entries = [entered(runs["good"], 0), entered(runs["other"], 1)]
    found = advice(entries, tmp_path / "runs", 0.3)
    assert found.picks == [runs["good"].folder.name, runs["other"].folder.name]
    assert "no interval, as they held out no row in common" in found.lines[0]
    assert "how it errs is not known here" in found.lines[-1]


def test_the_rank_correlation_tells_the_files_that_it_is_over(
    runs: dict[str, Run], tmp_path: Path, capsys: Any
) -> None:
    entries = [entered(runs["good"], at, 0.5 + at / 10, cv=0.6 + at / 10) for at in range(3)]
    entries.append(entered(runs["good"], 3, status="pending"))
    assert "+1.00 over 3 files" in "\n".join(advice(entries, tmp_path / "runs", 0.3).lines)
    for each in entries:
        ledger.record(tmp_path / "runs" / ledger.NAME, each)
    list_ledger(Options(runs=tmp_path / "runs"), None)  # type: ignore[arg-type]
    assert "+1.00 over 3 files" in capsys.readouterr().err


def test_of_two_files_of_a_run_the_better_one_alone_is_picked(
    runs: dict[str, Run], tmp_path: Path
) -> None:
    good, other = runs["good"], runs["other"]
    entries = [entered(good, 0, cv=0.9), entered(good, 1, cv=0.8), entered(other, 2, cv=0.7)]
    found = advice(entries, tmp_path / "runs", 0.3)
    assert [found.place(each) for each in found.candidates] == [1, None, 2]
    told = "\n".join(found.lines)
    assert f"pick 1: {good.folder.name}, submission 0 of 2026-01-01 00:00:00: " in told
    assert f"pick 2: {other.folder.name}: " in told


def test_likeness_is_the_correlation_of_errors(runs: dict[str, Run]) -> None:
    good, other = (held_of(runs[name], runs[name].folder) for name in ("good", "other"))
    assert good and other and good.likeness(good) == pytest.approx(1)
    assert (
        good.likeness(other) == pytest.approx(other.likeness(good)) and good.likeness(other) < 0.9
    )


def test_numbers_with_missing_cells_are_compared_where_both_are_known(tmp_path: Path) -> None:
    competition = toy_competition(Numbers(names=("age",)), "rmse", ["age"], columns=("age",))
    laid_out(competition, tmp_path / "data", age=["", *(f"{at % 7}" for at in range(1, 36))])
    request = request_of(competition, tmp_path)
    made = judged_run(request)
    report.run(request, report.Options((made.folder,)))
    found = held_of(made, made.folder)
    assert found and found.likeness(found) == pytest.approx(1)


def test_the_verb_writes_the_page_and_says_what_it_says(
    runs: dict[str, Run], tmp_path: Path, capsys: Any
) -> None:
    path = tmp_path / "runs" / ledger.NAME
    for at, made in enumerate(runs.values()):
        ledger.record(path, entered(made, at, 0.5 + at / 10, recipe=EVIL))
    result = list_ledger(Options(runs=path.parent, html=True), None)  # type: ignore[arg-type]
    page = Path(result["html"]).read_text(encoding="utf-8")
    assert result["competitions"][0]["picks"][0] in page and EVIL not in page
    assert "pick 1: " in capsys.readouterr().err
    with pytest.raises(KitError, match="--public-share 2: name a share"):
        list_ledger(Options(runs=path.parent, public_share=2.0), None)  # type: ignore[arg-type]


def test_a_cv_that_flatters_is_not_picked_where_its_predictions_are_gone(
    runs: dict[str, Run], tmp_path: Path
) -> None:
    rescored(runs["good"], cv=0.99, optimistic="early stopping chose the epoch")
    (runs["good"] / "oof.npz").unlink()
    found = advice([entered(runs["good"], 0), entered(runs["other"], 1)], tmp_path / "runs", 0.3)
    assert found.picks == [runs["other"].folder.name]
    assert "early stopping chose the epoch" in str(found.lines)


def test_rows_of_one_group_prove_nothing(runs: dict[str, Run], tmp_path: Path) -> None:
    for run in runs.values():
        split = pd.read_csv(run / "folds.csv", dtype=str).assign(group="one")
        split.to_csv(run / "folds.csv", index=False)
    found = advice([entered(runs["good"], 0), entered(runs["bad"], 1)], tmp_path / "runs", 0.3)
    assert "how it errs is not known here" in str(found.lines) and "nan" not in str(found.lines)
