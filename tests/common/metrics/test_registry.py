"""Names, directions, bits, sentences and speed of the metrics."""

import pickle
import time

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from common.errors import KitError
from common.metrics.registry import NAMES, metric_named

LOW = {
    "balanced_log_loss",
    "log_loss",
    "mae",
    "mean_column_rmse",
    "rmse",
    "top1_error",
    "weighted_log_loss",
}
NAN = float("nan")


def test_the_names_are_those_that_the_parser_takes_and_errors_point_down() -> None:
    found = {name: metric_named(name) for name in NAMES}
    assert {name for name, metric in found.items() if not metric.higher_is_better} == LOW
    assert all(metric.name == name for name, metric in found.items())
    assert all(pickle.loads(pickle.dumps(metric)).name == metric.name for metric in found.values())


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("AUC", "did you mean 'auc'"),
        ("mean-column-auc", "did you mean 'mean_column_auc'"),
        ("xyzzy", "there are accuracy, auc"),
        ("auc:0.8", "takes no parameters"),
        ("partial_auc", "partial_auc:0.8"),
        ("partial_auc:1", "below 1"),
        ("r2:a,b", "numbers follow the colon"),
        ("r2:0,0", "not all of them 0"),
        ("f0_macro", "above 0"),
        ("map0", "at least 1"),
    ],
)
def test_a_wrong_name_is_told_with_the_nearest_one(name: str, sentence: str) -> None:
    with pytest.raises(KitError, match=sentence):
        metric_named(name)


def test_log_loss_and_accuracy_have_the_bits_they_had() -> None:
    rng = np.random.default_rng(0)
    probs = rng.random((4321, 17), dtype=np.float32) ** 9
    probs[:5, :16], probs[:5, 16] = 0, 1
    targets = rng.integers(0, 17, 4321)
    loss = metric_named("log_loss").score(np.eye(17)[targets], probs)
    rows = probs.astype(np.float64)
    rows = rows / rows.sum(axis=1, keepdims=True)
    picked = np.clip(rows[np.arange(len(rows)), targets], 1e-15, 1 - 1e-15)
    assert loss == float((-np.log(picked)).mean())
    hit = metric_named("accuracy").score(targets, probs.argmax(axis=1))
    assert hit == float((probs.argmax(axis=1) == targets).mean())


def test_a_binary_log_loss_is_clipped_in_float64_and_leaves_missing_truth_out() -> None:
    truth, told = np.array([[1.0], [0.0], [np.nan]]), np.array([[0.0], [1.0], [0.3]], np.float32)
    score = metric_named("log_loss").score(truth, told)
    clipped = [1e-15, 1 - (1 - 1e-15)]
    assert score == pytest.approx(-np.log(clipped).mean(), rel=1e-15)


def test_alaskas_area_has_its_bound_inserted() -> None:
    # The curve runs straight from (0, 0) to (1, 1): 0.4 lies within its only segment.
    truth, told = np.array([[0.0], [1.0]]), np.zeros((2, 1))
    lower, upper = 0.4 * (1 - 0.2), 0.6 * (1 - 0.7)
    expected = (2 * lower + upper) / 1.4
    assert metric_named("weighted_auc").score(truth, told) == pytest.approx(expected, rel=1e-15)
    assert metric_named("weighted_auc").score(truth, truth) == pytest.approx(1.0, rel=1e-15)
    assert metric_named("partial_auc:0.8").score(truth, truth) == pytest.approx(0.2, rel=1e-15)


def test_a_repeated_answer_takes_a_place_and_counts_once() -> None:
    answers = np.array([[3, 3, 5, -1, -1], [5, 5, 5, 5, 5], [1, 2, 3, 4, 0]])
    scores = metric_named("map5").rows
    assert scores is not None
    assert scores(np.array([5, 5, 9]), answers).tolist() == [1 / 3, 1.0, 0.0]
    assert metric_named("map2").score(np.array([5, 5, 9]), answers) == pytest.approx(1 / 3)


@pytest.mark.parametrize("name", NAMES)
def test_no_rows_no_weight_and_one_row_never_crash(name: str) -> None:
    metric = metric_named(name)
    shape = {"columns": (float, (1, 1)), "sets": (bool, (1, 2)), "ranked": (int, (1, 5))}
    kind, size = shape.get(metric.form, (int, (1,)))
    truth = np.zeros(1 if metric.form == "ranked" else size, kind)
    answers = np.zeros(size, kind)
    assert np.isnan(metric.score(truth[:0], answers[:0]))
    assert np.isnan(metric.prepare(truth[:0], answers[:0])(np.zeros(0)))
    assert np.isnan(metric.score(truth, answers, np.zeros(1)))
    assert metric.remarks(truth[:0], []) == ["there are no rows to score"]
    metric.score(truth, answers)


@pytest.mark.parametrize("name", [n for n in NAMES if metric_named(n).form == "columns"])
def test_an_answer_that_is_no_number_is_never_left_out(name: str) -> None:
    truth = np.array([[0.0], [1.0], [1.0]])
    score = metric_named(name).score(truth, np.array([[0.2], [NAN], [0.7]]))
    assert np.isnan(score), score


def test_what_has_no_score_is_told() -> None:
    truth = np.array([[1.0, 0.0, NAN], [1.0, 1.0, NAN]])
    names = ["rust", "scab", "rot"]
    told = metric_named("mean_column_auc").remarks(truth, names)
    assert told == [
        "column 'rust' is 1 in every row: it has no AUC and counts nowhere",
        "column 'rot' holds no value: it has no AUC and counts nowhere",
    ]
    assert metric_named("mean_column_r2").remarks(truth, names)[0] == (
        "column 'rust' holds one value only: it has no R2 and counts nowhere"
    )
    index = np.array([0, 2, 2])
    assert "no row is 'scab'" in metric_named("balanced_accuracy").remarks(index, names)[0]
    assert "no row has 'scab'" in metric_named("f1_macro").remarks(index, names)[0]
    assert (
        "no row is positive" in metric_named("probabilistic_f1").remarks(truth[:1, 1:2], ["x"])[0]
    )
    assert "same grade" in metric_named("qwk").remarks(index[1:], names)[0]
    assert metric_named("f1_micro").remarks(index, names) == []


def test_one_label_a_row_scores_as_its_one_hot_set() -> None:
    rng = np.random.default_rng(3)
    truth, told = rng.integers(0, 6, 200), rng.integers(0, 6, 200)
    for name in ("f1_macro", "f1_micro", "f2_rows"):
        metric, hot = metric_named(name), np.eye(6, dtype=bool)
        assert metric.score(truth, told) == metric.score(hot[truth], hot[told])


def test_what_does_not_fit_a_metric_is_a_sentence() -> None:
    two, grades = np.zeros((3, 2)), np.array([[0.0], [1.0], [2.0]])
    with pytest.raises(KitError, match="mean_column_auc takes several"):
        metric_named("auc").score(two, two)
    with pytest.raises(KitError, match="truth of 0 and 1, and there is 2"):
        metric_named("auc").score(grades, grades)
    with pytest.raises(KitError, match="names 3 weights, and there are 2 columns"):
        metric_named("r2:1,2,3").score(two, two)
    with pytest.raises(KitError, match="it is weighted_log_loss"):
        metric_named("log_loss").score(two + 1, two + 0.5)
    with pytest.raises(KitError, match="one answer a row"):
        metric_named("qwk").score(two.astype(int), two.astype(int))


def test_nan_counts_nowhere() -> None:
    auc, rmse = metric_named("auc"), metric_named("rmse")
    assert auc.better(0.6, 0.5) and not rmse.better(0.6, 0.5)
    assert auc.better(0.1, NAN) and not auc.better(NAN, 0.1) and not auc.better(NAN, NAN)
    assert auc.gain(0.6, 0.5) == -rmse.gain(0.6, 0.5)


@pytest.mark.slow
def test_two_thousand_draws_of_auc_on_50000_rows_take_seconds() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random((50_000, 1)) < 0.1).astype(float)
    answers = rng.normal(size=(50_000, 1)) + truth
    draws = rng.integers(0, 50_000, (20, 50_000))
    weights = [np.bincount(draw, minlength=50_000).astype(float) for draw in draws]
    begin = time.process_time()
    score = metric_named("auc").prepare(truth, answers)
    found = [score(weights[at % 20]) for at in range(2000)]
    seconds = time.process_time() - begin
    for draw, value in zip(draws[:3], found, strict=False):
        wanted = roc_auc_score(truth[draw, 0], answers[draw, 0])
        assert value == pytest.approx(wanted, rel=1e-12)
    print(f"2,000 draws of AUC on 50,000 rows: {seconds:.1f} s of processor time")


def test_a_class_without_rows_has_no_part_in_the_balanced_log_loss_and_is_named() -> None:
    metric, answers = metric_named("balanced_log_loss:3,1"), np.array([[0.8, 0.2], [0.4, 0.6]])
    truth = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert metric.score(truth, answers) == pytest.approx(-np.log([0.8, 0.4]).mean())
    assert metric.remarks(truth, ["CE", "LAA"]) == [
        "no row is 'LAA': it has no loss and counts nowhere"
    ]
    both = metric.score(np.eye(2), answers)
    assert both == pytest.approx(-(3 * np.log(0.8) + np.log(0.6)) / 4)
    yes = metric_named("balanced_log_loss").score(np.eye(2)[:, [1]], answers[:, [1]])
    assert yes == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2)


def test_kappa_of_one_answer_for_all_is_zero_whatever_rounding_leaves() -> None:
    rng, kappa = np.random.default_rng(0), metric_named("qwk")
    for rows in range(3, 60):
        truth = rng.integers(0, 5, rows)
        truth[:2] = 0, 4
        assert f"{kappa.score(truth, np.full(rows, 2), rng.random(rows)):.4f}" == "0.0000"
