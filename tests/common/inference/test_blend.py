"""Blends: rows and classes matched by name, weights cross-fitted."""

from typing import Any

import numpy as np
import pytest
from toy_answers import evaluator, log_loss

from common.inference.blend import (
    KINDS,
    Predictions,
    align,
    crossfit_blend,
    greedy,
    least_on_simplex,
    linear,
    rank,
    weighted_mean,
)
from common.inference.evaluator import Evaluator

LOSS, ACCURACY = evaluator("log_loss"), evaluator("accuracy")
LOSS_OF_3, ACCURACY_OF_3 = evaluator("log_loss", 3), evaluator("accuracy", 3)


def noise(members: int, rows: int, classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    stack = rng.dirichlet(np.ones(classes), (members, rows)).astype(np.float32)
    return stack, rng.integers(0, classes, rows)


def knowing(rng: np.random.Generator, targets: np.ndarray, share: float) -> np.ndarray:
    """Probs that know about `share` of the labels."""
    known = np.where(rng.random(len(targets)) < share, targets, rng.integers(0, 3, len(targets)))
    return (0.1 + 0.7 * np.eye(3)[known]).astype(np.float32)


@pytest.mark.parametrize(
    ("metric", "chance", "boast"), [(LOSS, np.log(2), 0.08), (ACCURACY, 0.5, 0.2)]
)
def test_on_noise_the_printed_score_is_no_better_than_chance(
    metric: Evaluator, chance: float, boast: float
) -> None:
    stack, targets = noise(members=60, rows=60)
    found = crossfit_blend(stack, targets, np.arange(60) % 5, kind="greedy", evaluator=metric)
    in_sample = metric.score(weighted_mean(stack, found.weights), targets)
    assert metric.metric.gain(in_sample, chance) > boast  # of a fit on the judged rows
    assert metric.metric.gain(metric.score(found.probs, targets), chance) < 0


def test_a_parts_labels_change_nothing_in_its_own_probs() -> None:
    stack, targets = noise(members=6, rows=40)
    parts = np.arange(40) % 4
    turned = np.where(parts == 1, 1 - targets, targets)
    for kind in KINDS:
        one, other = (
            crossfit_blend(stack, labels, parts, kind=kind, evaluator=ACCURACY).probs
            for labels in (targets, turned)
        )
        assert (one[parts == 1] == other[parts == 1]).all()
    assert (one[parts != 1] != other[parts != 1]).any()


def test_a_run_blended_with_itself_is_itself() -> None:
    stack, targets = noise(members=1, rows=30, classes=3)
    twice = np.concatenate([stack, stack])
    for kind in KINDS:
        found = crossfit_blend(
            twice, targets, np.arange(30) % 3, kind=kind, evaluator=ACCURACY_OF_3
        )
        assert np.allclose(found.probs, stack[0], atol=1e-7)
        assert found.weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("fit", [greedy, linear])
def test_what_does_not_help_is_left_out_and_what_does_is_joined(fit: Any) -> None:
    rng = np.random.default_rng(3)
    targets = rng.integers(0, 3, 600)
    good = [knowing(rng, targets, 0.7), knowing(rng, targets, 0.7)]
    wrong = knowing(rng, (targets + 1) % 3, 0.9)
    weights = fit(np.stack([wrong, *good]), targets, LOSS_OF_3)
    assert weights[0] < 0.05
    assert 0.4 < weights[1] < 0.6
    joint = crossfit_blend(
        np.stack(good), targets, np.arange(600) % 5, kind="greedy", evaluator=LOSS_OF_3
    )
    assert log_loss(joint.probs, targets) < min(log_loss(each, targets) for each in good)


def test_a_linear_stack_has_less_loss_than_any_other_weights_tried() -> None:
    rng = np.random.default_rng(4)
    targets = rng.integers(0, 3, 500)
    stack = np.stack([knowing(rng, targets, share) for share in (0.3, 0.6, 0.7, 0.7)])
    mine = log_loss(weighted_mean(stack, linear(stack, targets, LOSS_OF_3)), targets)
    others = [rng.dirichlet(np.ones(4)) for _ in range(200)]
    assert all(mine <= log_loss(weighted_mean(stack, each), targets) + 1e-6 for each in others)


def test_weights_on_a_loss_that_is_cut_off_are_no_worse_than_any_one_alone() -> None:
    def loss(weights: Any) -> float:  # as of probabilities of 0, whose logarithm is cut off
        return float(min(34.5, 1 + 200 * weights[1:].sum()))

    found = least_on_simplex(loss, 8)
    assert loss(found) == pytest.approx(1) and found.sum() == pytest.approx(1)


@pytest.mark.parametrize("metric", [LOSS, ACCURACY])
def test_greedy_is_never_worse_than_the_best_run_on_the_rows_it_was_fitted_on(
    metric: Evaluator,
) -> None:
    stack, targets = noise(members=8, rows=50)
    score = metric.score(weighted_mean(stack, greedy(stack, targets, metric)), targets)
    assert all(metric.metric.gain(score, metric.score(probs, targets)) > 0 for probs in stack)


def test_greedy_serves_the_metric_and_not_how_sure_a_run_is() -> None:
    rng = np.random.default_rng(6)
    targets = rng.integers(0, 3, 600)
    sure, modest = knowing(rng, targets, 0.6), 0.01 * knowing(rng, targets, 0.9) + 0.33
    weights = greedy(np.stack([sure, modest]), targets, ACCURACY_OF_3)
    assert weights[1] > 0.9
    assert greedy(np.stack([sure, modest]), targets, LOSS_OF_3)[1] < 0.5


def test_rank_weights_the_runs_by_their_order() -> None:
    rng = np.random.default_rng(4)
    targets = rng.integers(0, 3, 300)
    stack = np.stack([knowing(rng, targets, share) for share in (0.2, 0.9, 0.5)])
    for metric in (ACCURACY_OF_3, LOSS_OF_3):
        assert rank(stack, targets, metric).tolist() == [1 / 6, 3 / 6, 2 / 6]


def test_rows_and_classes_are_joined_by_name() -> None:
    probs = np.array([[0.1, 0.2, 0.7], [0.5, 0.4, 0.1]], np.float32)
    found = Predictions("one", ["b", "a"], ["x", "y", "z"], probs)
    assert align(found, ["a", "b"], ["z", "x", "y"]).tolist() == [
        pytest.approx([0.1, 0.5, 0.4]),
        pytest.approx([0.7, 0.1, 0.2]),
    ]


def test_other_rows_or_classes_are_named() -> None:
    found = Predictions("one", ["b", "a"], ["x", "y"], np.zeros((2, 2), np.float32))
    with pytest.raises(ValueError, match=r"one has other rows: no prediction for c and one for b,"):
        align(found, ["a", "c"], ["x", "y"])
    with pytest.raises(ValueError, match=r"one has other classes: no prediction for z"):
        align(found, ["a", "b"], ["x", "y", "z"])


def test_weights_of_runs_count_rows_by_theirs() -> None:
    rng = np.random.default_rng(8)
    targets = rng.integers(0, 3, 600)
    counts = np.where(np.arange(600) < 300, 1.0, 0.001)
    here = np.where((np.arange(600) < 300)[:, None], knowing(rng, targets, 0.9), np.float32(1 / 3))
    there = np.where((np.arange(600) < 300)[:, None], np.float32(1 / 3), knowing(rng, targets, 0.9))
    stack = np.stack([there, here])
    for kind in ("rank", "greedy", "linear"):
        found = crossfit_blend(
            stack, targets, np.arange(600) % 3, kind=kind, evaluator=LOSS_OF_3, counts=counts
        )
        assert found.weights[1] > 0.6
        assert KINDS[kind](stack, targets, LOSS_OF_3, None)[1] < 0.7


def test_a_lone_part_is_blended_by_its_own_weights() -> None:
    stack, targets = noise(members=2, rows=1)
    for kind in KINDS:
        found = crossfit_blend(stack, targets, np.zeros(1, int), kind=kind, evaluator=LOSS)
        assert np.isfinite(found.probs).all() and found.weights.sum() == pytest.approx(1)
