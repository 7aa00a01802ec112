"""`kit score` on each form of answers, and what it refuses in one sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from common.kaggle.server.scoring import scorer
from common.metrics import metric_named
from common.submission import Format

Run = Any
N = 60
IDS = [f"{number:03}" for number in range(N)]


def test_numbers_are_scored_to_the_last_digit_and_split_by_usage(score: Run) -> None:
    rng = np.random.default_rng(0)
    truth, told = rng.normal(size=N), rng.normal(size=N)
    usage = np.array(["Public", "Private", "Ignored"])[np.arange(N) % 3]
    found = score("rmse", {"id": IDS, "y": truth, "Usage": usage}, {"id": IDS, "y": told})
    for name, part in (("score", usage != "Ignored"), ("public", usage == "Public")):
        wanted = sk.root_mean_squared_error(truth[part], told[part])
        assert found[name] == pytest.approx(wanted, rel=1e-15)
    assert (found["metric"], found["rows"]) == ("rmse", 40)


def test_columns_are_found_by_their_names_and_missing_truth_is_left_out(score: Run) -> None:
    rng = np.random.default_rng(1)
    truth, told = rng.normal(size=(N, 2)), rng.normal(size=(N, 2))
    truth[3:9, 0] = np.nan
    found = score(
        "mean_column_r2",
        {"id": IDS, "a": truth[:, 0], "b": truth[:, 1]},
        {"id": IDS, "b": told[:, 1], "a": told[:, 0]},
    )
    there = ~np.isnan(truth[:, 0])
    first = sk.r2_score(truth[there, 0], told[there, 0])
    wanted = (first + sk.r2_score(truth[:, 1], told[:, 1])) / 2
    assert found["score"] == pytest.approx(wanted, rel=1e-14)
    assert "public" not in found


def test_one_label_is_scored_against_a_column_a_class(score: Run) -> None:
    rng = np.random.default_rng(2)
    classes, labels = ["ash", "oak", "yew"], rng.integers(0, 3, N)
    told = rng.dirichlet([1, 1, 1], N)
    solution = {"id": IDS, "label": np.array(classes)[labels]}
    submission = {"id": IDS} | {classes[at]: told[:, at] for at in (2, 0, 1)}
    wanted = {
        "log_loss": sk.log_loss(labels, told),
        "mean_column_auc": sk.roc_auc_score(labels, told, multi_class="ovr"),
        "accuracy": sk.accuracy_score(labels, told.argmax(axis=1)),
    }
    for name, value in wanted.items():
        assert score(name, solution, submission)["score"] == pytest.approx(value, rel=1e-13)


def test_labels_are_text_and_numbers_by_their_value(score: Run) -> None:
    told = {"id": IDS[:4], "answer": ["1.0", "2", "07", "3"]}
    found = score("accuracy", {"id": IDS[:4], "label": ["1", "2", "7", "4"]}, told)
    assert found["score"] == 0.75
    assert found["remarks"] == ["column 'answer' of the submission is scored against 'label'"]
    text = score("accuracy", {"id": IDS[:4], "label": ["1", "01", "7", "x"]}, told)
    assert text["score"] == 0.0  # 1 and 01 are two labels here, and 1.0 is neither


def test_grades_keep_their_distance(score: Run) -> None:
    rng = np.random.default_rng(3)
    truth, told = rng.integers(0, 5, N), rng.choice([0, 4], N)
    found = score("qwk", {"id": IDS, "g": truth}, {"id": IDS, "g": told.astype(float)})
    wanted = sk.cohen_kappa_score(truth, told, labels=range(5), weights="quadratic")
    assert found["score"] == pytest.approx(wanted, rel=1e-13)
    assert score("qwk", {"id": IDS, "g": truth}, {"id": IDS, "g": told + 0.5}) == (
        "kit: 60 rows of the submission whose grade is no whole number: "
        f"000 ('{told[0] + 0.5}'), 001, 002, 003, 004 and 55 more"
    )


def test_label_lists_may_be_empty_and_columns_of_marks_score_the_same(score: Run) -> None:
    rng = np.random.default_rng(4)
    truth, told = rng.random((N, 3)) < 0.4, rng.random((N, 3)) < 0.4
    names = np.array(["rot", "rust", "scab"])
    lists = [[" ".join(names[row]) for row in side] for side in (truth, told)]
    marks = [
        {"id": IDS} | dict(zip(names, side.T.astype(int), strict=True)) for side in (truth, told)
    ]
    for name, average in (("macro", "macro"), ("micro", "micro"), ("rows", "samples")):
        wanted = sk.fbeta_score(truth, told, beta=2, average=average, zero_division=0)
        by_list = score(f"f2_{name}", {"id": IDS, "x": lists[0]}, {"id": IDS, "x": lists[1]})
        assert by_list["score"] == pytest.approx(wanted, rel=1e-14)
        assert score(f"f2_{name}", *marks)["score"] == by_list["score"]


def test_a_label_with_a_space_is_whole_where_that_is_said(score: Run) -> None:
    solution = {"id": IDS[:2], "label": ["black grass", "black rot"]}
    submission = {"id": IDS[:2], "label": ["black rot", "black rot"]}
    parted = score("f1_micro", solution, submission)
    assert parted["score"] == 0.75
    assert "where a label has spaces: --one-label" in parted["remarks"][0]
    assert score("f1_micro", solution, submission, "--one-label")["score"] == 0.5


def test_ranked_labels_and_several_targets(score: Run) -> None:
    solution = {"image": IDS[:4], "id": ["w1", "w2", "w3", "w4"]}
    told = {"image": IDS[:4], "id": ["w1 w2", "w9 w9 w2", "a b c d e w3", None]}
    assert score("map5", solution, told)["score"] == pytest.approx((1 + 1 / 3) / 4)
    rng = np.random.default_rng(5)
    truth, answers = rng.integers(0, 4, (3, N)), rng.integers(0, 4, (3, N))
    recalls = [sk.balanced_accuracy_score(*pair) for pair in zip(truth, answers, strict=True)]
    tables = [{"id": IDS, "a": s[0], "b": s[1], "c": s[2]} for s in (truth, answers)]
    found = score("macro_recall:2,1,1", *tables)["score"]
    assert found == pytest.approx(np.average(recalls, weights=[2, 1, 1]), rel=1e-14)


def test_a_weight_column_weighs_rows_and_another_one_is_an_answer(score: Run) -> None:
    solution = {"id": IDS[:3], "y": [0, 1, 1], "sample_weight": [1, 2, 0]}
    found = score("log_loss", solution, {"id": IDS[:3], "y": [0.1, 0.6, 0.0]})
    assert found["score"] == pytest.approx(-(np.log(0.9) + 2 * np.log(0.6)) / 3)
    grams = {"id": IDS[:3], "weight": [5.0, 6.0, 7.0]}
    assert score("mae", grams, {"id": IDS[:3], "weight": [5.0, 6.0, 10.0]})["score"] == 1.0
    negative = score(
        "log_loss", solution | {"sample_weight": [1, -2, 0]}, {"id": IDS[:3], "y": 0.5}
    )
    assert negative.endswith("is a weight, 0 or above, and not so in 001 ('-2')")


def test_what_has_no_score_is_null_and_a_sentence(score: Run) -> None:
    solution = {"id": IDS[:3], "y": [1, 1, 0], "Usage": ["Public", "Public", "Private"]}
    found = score("auc", solution, {"id": IDS[:3], "y": [3.5, -1, -2]})
    assert (found["score"], found["public"], found["private"]) == (1.0, None, None)
    assert found["remarks"] == [
        "public rows: column 'y' is 1 in every row: it has no AUC and counts nowhere",
        "private rows: column 'y' is 0 in every row: it has no AUC and counts nowhere",
    ]


@pytest.mark.parametrize(
    ("metric", "submission", "sentence"),
    [
        ("auc", {"id": IDS[:2], "y": 1}, "the submission lacks 1 id: 002"),
        ("auc", {"id": [*IDS[:3], "x"], "y": 1}, "has what the solution lacks, 1 id: x"),
        ("auc", {"id": [*IDS[:3], "000"], "y": 1}, "the submission has 1 id twice: 000"),
        ("auc", {"id": IDS[:3], "y": [1, "", "?"]}, "1 row of the submission without a number in"),
        ("auc", {"id": IDS[:3], "y": [1, 0, "?"]}, "whose 'y' is not a number: 002 ('?')"),
        ("auc", {"id": IDS[:3], "y": [1, 0, "inf"]}, "whose 'y' is not a number: 002 ('inf')"),
        ("auc", {"id": IDS[:3], "y": [1, 0, "1_0"]}, "whose 'y' is not a number: 002 ('1_0')"),
        ("rmse", {"id": IDS[:3], "y": [1, 0, "1e999"]}, "whose 'y' is too large: 002 ('1e999')"),
        (
            "accuracy",
            {"id": IDS[:3], "y": ["0", "b", ""]},
            "of the submission without a label: 002",
        ),
        ("accuracy", {"id": IDS[:3], "y": ["0", "b", "1"]}, "is no number, as the solution's are"),
        ("auc", {"id": IDS[:3], "y": 1, "z": 2}, "has 'z', which the solution does not have"),
        ("auc", {"id": IDS[:3], "x": 1, "z": 2}, "the submission lacks 'y'; it has x, z"),
        ("auk", {"id": IDS[:3], "y": 1}, "there is no metric 'auk': did you mean 'auc'?"),
        ("r2:1,2", {"id": IDS[:3], "y": 1}, "names 2 weights, and there is 1 column"),
    ],
)
def test_what_cannot_be_scored_is_one_sentence(
    score: Run, metric: str, submission: dict[str, Any], sentence: str
) -> None:
    told = score(metric, {"id": IDS[:3], "y": [0, 1, 1]}, submission)
    assert isinstance(told, str), told
    assert sentence in told


def test_host_and_verb_give_the_same_score(score: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    classes = ["ash", "oak", "yew"]
    labels = np.array(classes)[rng.integers(0, 3, N)]
    told = {"id": IDS} | dict(zip(classes, rng.dirichlet([1, 1, 1], N).T, strict=True))
    sample = pd.DataFrame(told).astype(str)
    sample.to_csv(tmp_path / "host.csv", index=False)
    solution = pd.DataFrame({"id": IDS, "label": labels})
    form = Format(kind="probabilities", names=tuple(classes), lowest=0.0, highest=1.0)
    metric = metric_named("log_loss")
    public, private = scorer(solution, sample, form, metric)(tmp_path / "host.csv")
    whole = score("log_loss", {"id": IDS, "label": labels}, told)["score"]
    assert (18 * public + 42 * private) / N == pytest.approx(whole, rel=1e-14)
