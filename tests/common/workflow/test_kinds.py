"""Answers of every kind where they are awkward: long samples, missing cells, weights, lone positives."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from toy_competitions import laid_out, request_of, toy_competition

from common import submission
from common.competition import Competition
from common.data.table import read_csv
from common.errors import KitError
from common.kaggle.server.scoring import reading_of, scorer
from common.score.tables import score_tables
from common.targets import Grades, LabelSet, Numbers, OneClass, YesNo
from common.verbs import run, validate
from common.workflow.files import read_files
from kernels.verbs import rehearse

BOTH = ("age", "size")
THREE = ("big", "round", "soft")
NUMBERS = Numbers(names=BOTH)


def some(count: int, holes: int = 0) -> dict[str, list[str]]:
    """Numbers of two columns; every `holes`-th cell is missing."""
    rng = np.random.default_rng(0)
    cells = {name: [f"{each:.3f}" for each in rng.uniform(0, 9, count)] for name in BOTH}
    if holes:
        cells["age"][::holes] = [""] * len(cells["age"][::holes])
    return cells


def whole_way(
    competition: Competition, folder: Path, table: pd.DataFrame, **fields: Any
) -> tuple[dict[str, Any], pd.DataFrame, tuple[float, float]]:
    """The result of `run`, the rows of its submission, and what the site makes of them."""
    request = request_of(competition, folder, **fields)
    result = run.run(request)
    json.dumps(result, allow_nan=False)
    files = read_files(competition, folder / "data")
    rows = read_csv(Path(result["submission"]))
    assert submission.validate(rows, files.sample, files.form) == []
    hidden = table[table["hidden"]]
    known = submission.solution_rows(files.form, files.target, files.sample, hidden)
    score = scorer(known, files.sample, files.form, competition.scored_by)
    return result, rows, score(Path(result["submission"]))


@pytest.mark.slow
def test_a_long_sample_has_a_row_for_each_image_and_column_and_missing_cells_count_nowhere(
    tmp_path: Path,
) -> None:
    competition = toy_competition(
        NUMBERS, "mae", ["value"], columns=BOTH, long="{id}_{name}", weight=True
    )
    weight = ["1", "2", "0"] * 12
    table = laid_out(competition, tmp_path / "data", **some(36, holes=5), weight=weight)
    result, rows, scores = whole_way(competition, tmp_path, table)
    assert len(rows) == 2 * 8 and rows.iloc[0, 0].endswith("_age")
    assert np.isfinite([result["cv"], *scores]).all()


@pytest.mark.parametrize(
    ("target", "metric", "header", "columns"),
    [
        (LabelSet(), "f1_macro", THREE, THREE),
        (LabelSet(names=THREE), "f1_rows", ["labels"], THREE),
        (YesNo(), "f1_macro", ["answer"], ()),
        (YesNo(), "balanced_accuracy", ["answer"], ()),
        (Grades(lowest=1, highest=4), "accuracy", ["answer"], ()),
    ],
)
@pytest.mark.slow
def test_where_whole_answers_are_compared_the_file_holds_whole_answers(
    target: Any, metric: str, header: list[str], columns: Any, tmp_path: Path
) -> None:
    competition = toy_competition(target, metric, header, columns=columns)
    wide = {
        name: [str(n % (2 + k) // (1 + k)) for n in range(36)] for k, name in enumerate(columns)
    }
    table = laid_out(competition, tmp_path / "data", **wide)
    _, rows, scores = whole_way(competition, tmp_path, table)
    assert not any("." in cell for name in rows.columns[1:] for cell in rows[name])
    assert np.isfinite(scores[1])  # the public rows are two, perhaps without a yes


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro"])
@pytest.mark.parametrize(("said", "words"), [("dog", {"cat", "dog"}), ("0", {"0", "1"})])
@pytest.mark.slow
def test_yes_or_no_is_written_and_scored_in_the_samples_words(
    said: str, words: set[str], metric: str, tmp_path: Path
) -> None:
    competition = toy_competition(YesNo(yes="cat"), metric, ["pet"])
    pets = ["cat" if number % 3 else "dog" for number in range(36)]
    table = laid_out(competition, tmp_path / "data", label=pets)
    sample = tmp_path / "data" / "sample_submission.csv"
    sample.write_text(sample.read_text().replace(",0", f",{said}"))
    _, rows, scores = whole_way(competition, tmp_path, table)
    assert set(rows["pet"]) <= words
    files = read_files(competition, tmp_path / "data")
    hidden = table[table["hidden"]]
    known = submission.solution_rows(files.form, files.target, files.sample, hidden)
    y = files.target.read(hidden)
    told = rows.set_index("id").loc[hidden["id"], "pet"].isin(["cat", "1"]).to_numpy(float)
    whole = score_tables(competition.scored_by, known, rows, reading_of(files.form)).score
    assert whole == files.evaluator.score(told[:, None].astype(np.float32), y)
    assert np.isfinite(scores).any()


@pytest.mark.slow
def test_grades_judged_by_their_distance_are_written_as_numbers(tmp_path: Path) -> None:
    competition = toy_competition(Grades(lowest=1, highest=4), "rmse", ["grade"])
    table = laid_out(competition, tmp_path / "data")
    _, rows, scores = whole_way(competition, tmp_path, table)
    values = rows["grade"].astype(float)
    assert values.between(1, 4).all() and (values % 1 > 0).any()
    assert np.isfinite(scores).all()


def test_a_fold_without_a_positive_has_no_score_and_the_others_make_the_cv(
    tmp_path: Path, capsys: Any
) -> None:
    competition = toy_competition(YesNo(), "auc", ["answer"])
    label = ["1" if number in (3, 30) else "0" for number in range(36)]
    laid_out(competition, tmp_path / "data", label=label)
    result = validate.run(request_of(competition, tmp_path, folds=2))
    json.dumps(result, allow_nan=False)
    (known,) = [each for each in result["fold_scores"] if each is not None]
    assert None in result["fold_scores"] and result["cv"] == known
    assert "has no AUC and counts nowhere" in capsys.readouterr().err
    logs = [*Path(result["run"]).glob("fold*/log.jsonl")]
    assert any('"score": null' in log.read_text() for log in logs)
    assert not any("NaN" in log.read_text() for log in logs)


@pytest.mark.parametrize(
    ("target", "metric", "fields", "words"),
    [
        (NUMBERS, "rmse", {"class_balance": "sampling"}, "class_balance=sampling has no meaning"),
        (NUMBERS, "rmse", {"label_smoothing": 0.1}, "label_smoothing=0.1 has no meaning"),
        (
            NUMBERS,
            "rmse",
            {"tta_fraction": 0.5, "views": "mirror"},
            "tta_fraction=0.5 has no meaning",
        ),
        (NUMBERS, "rmse", {"loss": "bce_range"}, "bce_range"),
        (YesNo(), "auc", {"decision": "threshold"}, "auc compares numbers: say decision=auto"),
        (YesNo(), "auc", {"decision": "cut-points"}, "decision=cut-points is for grades"),
        (Grades(), "qwk", {"loss": "mse"}, "loss=mse does not fit"),
        (OneClass(), "accuracy", {"loss": "bce"}, "loss=bce does not fit"),
    ],
)
def test_what_has_no_meaning_for_a_kind_is_said_before_anything_is_trained(
    target: Any, metric: str, fields: dict[str, Any], words: str, tmp_path: Path
) -> None:
    columns = BOTH if target is NUMBERS else ()
    competition = toy_competition(target, metric, columns or ["answer"], columns=columns)
    label = {"label": [str(n % 2) for n in range(36)]} if not columns else some(36)
    laid_out(competition, tmp_path / "data", **label)
    with pytest.raises(KitError, match=words):
        validate.run(request_of(competition, tmp_path, **fields))
    assert not [*(tmp_path / "runs").glob("toy-*/fold*/weights*")]


@pytest.mark.parametrize("metric", ["rmse", "mean_column_rmse", "r2:0.2,0.8"])
@pytest.mark.slow
def test_a_rehearsal_of_a_long_sample_scores_it_as_cross_validation_does(
    metric: str, tmp_path: Path
) -> None:
    competition = toy_competition(NUMBERS, metric, ["value"], columns=BOTH, long="{id}_{name}")
    laid_out(competition, tmp_path / "data", **some(36))
    told = rehearse.run(request_of(competition, tmp_path), rehearse.Options(hidden=0.3))
    json.dumps(told, allow_nan=False)
    assert np.isfinite([told["cv"], told["private"]]).all()
