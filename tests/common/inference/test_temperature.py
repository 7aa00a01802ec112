"""Temperature: what is known is found again, and no row is judged at a temperature of its own."""

from typing import Any

import numpy as np
import pytest
from toy_answers import evaluator, log_loss

from common.inference.crossfit import crossfit_parts, halves
from common.inference.decisions import DECISIONS
from common.inference.evaluator import Evaluator
from common.inference.fitting import Decided, decided
from common.inference.out_of_fold import FoldProbs
from common.inference.temperature import apply_temperature, fit_temperature
from common.metrics import metric_named
from common.targets import LabelSet, Target, YesNo

ACCURACY = evaluator("accuracy", 4)


def calibrate_folds(folds: list[FoldProbs], labels: np.ndarray, groups: np.ndarray) -> Decided:
    return decided(folds, labels, groups, ACCURACY, kind="temperature")


def drawn(count: int, temperature: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from honest probabilities, and these made too sure or too modest."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (count, 4))
    honest = apply_temperature(np.exp(logits).astype(np.float32), 1.0)
    labels = np.array([rng.choice(4, p=row / row.sum()) for row in honest.astype(np.float64)])
    return apply_temperature(honest, 1 / temperature), labels


@pytest.mark.parametrize("known", [0.5, 1.0, 3.0])
def test_a_known_temperature_is_found_again(known: float) -> None:
    probs, labels = drawn(4000, known)
    assert fit_temperature(probs, labels) == pytest.approx(known, rel=0.06)


def test_no_other_temperature_has_a_smaller_loss() -> None:
    probs, labels = drawn(300, 2.0)
    best = fit_temperature(probs, labels)
    least = log_loss(apply_temperature(probs, best), labels)
    for factor in (0.9, 0.99, 1.01, 1.1):
        assert log_loss(apply_temperature(probs, best * factor), labels) > least


def test_probs_stay_distributions_that_name_the_same_class() -> None:
    probs, _ = drawn(200, 0.3)
    probs[0] = [1, 0, 0, 0]
    for temperature in (0.05, 1.0, 20.0):
        found = apply_temperature(probs, temperature)
        assert found.dtype == np.float32
        assert np.allclose(found.sum(axis=1), 1, atol=1e-6)
        assert (found.argmax(axis=1) == probs.argmax(axis=1)).all()
    assert np.allclose(apply_temperature(probs, 1.0), probs, atol=1e-7)


def test_rows_that_are_never_wrong_have_a_temperature_all_the_same() -> None:
    probs = np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)
    assert fit_temperature(probs, np.array([0, 1])) == pytest.approx(1 / 20)
    assert fit_temperature(probs, np.array([1, 0])) == pytest.approx(20)


def test_a_fold_is_judged_at_the_temperature_of_the_others() -> None:
    probs, labels = drawn(90, 2.0)
    folds = [FoldProbs(np.arange(at, 90, 3), probs[at::3]) for at in range(3)]
    found = calibrate_folds(folds, labels, np.arange(90))
    others = np.concatenate([folds[1].rows, folds[2].rows])
    assert found.facts["fold_values"][0] == [fit_temperature(probs[others], labels[others])]
    assert found.values[0] == pytest.approx(fit_temperature(probs, labels))
    assert len({each[0] for each in found.facts["fold_values"]}) == 3
    # The labels of a fold change nothing in its own probs.
    turned = labels.copy()
    turned[folds[0].rows] = (turned[folds[0].rows] + 1) % 4
    again = calibrate_folds(folds, turned, np.arange(90))
    assert (again.folds[0].probs == found.folds[0].probs).all()
    assert (again.folds[1].probs != found.folds[1].probs).any()
    assert found.facts["plain"] == found.facts["honest"]


def test_repeats_share_no_row_between_fit_and_judgement() -> None:
    probs, labels = drawn(40, 2.0)
    first = [FoldProbs(np.arange(0, 20), probs[:20]), FoldProbs(np.arange(20, 40), probs[20:])]
    second = [FoldProbs(np.arange(at, 40, 2), probs[at::2]) for at in (0, 1)]
    found = calibrate_folds([*first, *second], labels, np.arange(40))
    turned = labels.copy()
    turned[:20] = (turned[:20] + 1) % 4
    again = calibrate_folds([*first, *second], turned, np.arange(40))
    assert (again.folds[0].probs == found.folds[0].probs).all()


def test_a_single_hold_out_is_fitted_by_halves() -> None:
    probs, labels = drawn(60, 3.0)
    rows = np.arange(10, 50)
    found = calibrate_folds([FoldProbs(rows, probs[rows])], labels, np.arange(60))
    assert len(found.folds) == 1
    assert len(found.facts["fold_values"]) == 2
    whole = apply_temperature(probs[rows], found.values[0])
    assert log_loss(found.folds[0].probs, labels[rows]) > log_loss(whole, labels[rows])


def test_halves_share_labels_evenly_and_split_no_group() -> None:
    labels = np.array([0, 1, 0, 1, 0, 1, 0, 1])
    assert halves(labels, np.arange(8)).tolist() == [0, 0, 1, 1, 0, 0, 1, 1]
    groups = np.array(["a", "b", "c", "a", "d", "b", "c", "d"])
    sides = halves(labels, groups)
    assert len({(group, side) for group, side in zip(groups, sides, strict=True)}) == 4
    assert sides.mean() == 0.5


def test_parts_are_the_folds_or_the_halves_of_a_hold_out() -> None:
    labels = np.zeros(4, np.int64)
    assert crossfit_parts(np.array([[2, 0, 1, 0]]), labels, np.arange(4)).tolist() == [2, 0, 1, 0]
    assert crossfit_parts(np.zeros((1, 4), np.int64), labels, np.arange(4)).tolist() == [0, 1, 0, 1]
    assert crossfit_parts(np.array([[0, -1], [1, 1]]), labels[:2], np.arange(2)).tolist() == [0, 1]


def weighed_rows() -> tuple[Evaluator, Any, Any, Any]:
    """400 rows of yes and no, far too sure; those that are wrong weigh nearly nothing."""
    rng = np.random.default_rng(0)
    y = (rng.random((400, 1)) < 0.5).astype(float)
    logits = 3 * (np.where(y > 0, 1, -1) + rng.normal(0, 2, y.shape))
    probs = (1 / (1 + np.exp(-logits))).astype(np.float32)
    weights = np.where((probs > 0.5) == (y > 0.5), 1.0, 0.05).ravel()
    return Evaluator(YesNo(names=("a",)), metric_named("log_loss")), probs, y, weights


def test_a_temperature_counts_rows_by_their_weight() -> None:
    evaluator, probs, y, weights = weighed_rows()
    fit, apply = DECISIONS["temperature"].fit, DECISIONS["temperature"].apply
    least = evaluator.score(apply(evaluator.target, probs, fit(evaluator, probs, y, weights)), y, weights)  # fmt: skip
    for other in np.geomspace(0.1, 10, 60):
        tried = apply(evaluator.target, probs, np.array([other]))
        assert least <= evaluator.score(tried, y, weights) + 1e-6
    assert fit(evaluator, probs, y, weights)[0] < 0.5 * fit(evaluator, probs, y, None)[0]


@pytest.mark.parametrize(
    ("metric", "target"),
    [
        ("weighted_log_loss:9,1", LabelSet(names=("a", "b"))),
        ("balanced_log_loss", YesNo(names=("a",))),
    ],
)
def test_a_temperature_serves_the_log_loss_that_is_scored(metric: str, target: Target) -> None:
    evaluator, rng = Evaluator(target, metric_named(metric)), np.random.default_rng(2)
    y = (rng.random((900, len(target.names))) < [0.1, 0.5][: len(target.names)]).astype(float)
    logits = 2 * (np.where(y > 0, 1, -1) + rng.normal(0, [0.6, 3][: len(target.names)], y.shape))
    probs = (1 / (1 + np.exp(-logits))).astype(np.float32)
    fit, apply = DECISIONS["temperature"].fit, DECISIONS["temperature"].apply
    least = evaluator.score(apply(target, probs, fit(evaluator, probs, y, None)), y)
    for other in np.geomspace(0.1, 10, 60):
        assert least <= evaluator.score(apply(target, probs, np.array([other])), y) + 1e-6


def test_rows_that_all_weigh_nothing_are_fitted_alike() -> None:
    evaluator, probs, y, _ = weighed_rows()
    folds = [FoldProbs(np.arange(at, 400, 2), probs[at::2]) for at in (0, 1)]
    weights = np.tile([1.0, 0.0], 200)
    found = decided(folds, y, np.arange(400), evaluator, kind="temperature", weights=weights)
    alone = decided(folds, y, np.arange(400), evaluator, kind="temperature")
    assert found.facts["fold_values"][0] == alone.facts["fold_values"][0]
