"""Decisions move probs to where their plain reading is best, and are judged on other rows."""

from typing import Any

import numpy as np
import pytest

from common.errors import KitError
from common.inference.decisions import DECISIONS, graded, kind_for, moved
from common.inference.evaluator import Evaluator
from common.inference.fitting import decided
from common.inference.out_of_fold import FoldProbs
from common.metrics import metric_named
from common.targets import Grades, LabelSet, Numbers, OneClass, Target, YesNo

RNG = np.random.default_rng(0)
LABELS = LabelSet(names=("a", "b", "c"))
GRADES = Grades(names=("0", "1", "2", "3"), lowest=0, highest=3)
CLASSES = OneClass(names=("often", "rare", "new"), unknown="new")


def labelled(count: int) -> tuple[Any, Any]:
    """Uneven labels, and probs that are well calibrated: 0.5 is far from the best threshold."""
    chance = RNG.beta(1, np.array([2.0, 8, 20]), (count, 3))
    return chance.astype(np.float32), (RNG.random((count, 3)) < chance).astype(float)


def graded_rows(count: int) -> tuple[Any, Any]:
    """Grades whose expected ones are shrunk to the middle, as regressions' are."""
    y = RNG.choice(4, count, p=[0.5, 0.3, 0.15, 0.05])
    seen = np.clip(1.2 + 0.4 * (y - 1.2) + RNG.normal(0, 0.25, count), 0, 3)
    low = np.minimum(seen.astype(int), 2)
    probs = np.zeros((count, 4), np.float32)
    probs[np.arange(count), low], probs[np.arange(count), low + 1] = 1 - (seen - low), seen - low
    return probs, y


def classed(count: int) -> tuple[Any, Any]:
    y = RNG.choice(2, count, p=[0.95, 0.05])
    signal = RNG.normal(0, 1, count) + 1.5 * y - 3
    p = 1 / (1 + np.exp(-signal))
    return np.stack([1 - p, p, np.zeros(count)], axis=1).astype(np.float32), y


CASES: list[tuple[str, str, Target, Any]] = [
    ("threshold", "f1_micro", LABELS, labelled),
    ("label-thresholds", "f1_macro", LABELS, labelled),
    ("cut-points", "qwk", GRADES, graded_rows),
    ("class-factors", "balanced_accuracy", CLASSES, classed),
]


@pytest.mark.parametrize(
    ("kind", "metric", "target", "rows"), CASES, ids=lambda each: str(each)[:16]
)
def test_a_fitted_decision_is_better_on_rows_it_has_not_seen(
    kind: str, metric: str, target: Target, rows: Any
) -> None:
    evaluator = Evaluator(target, metric_named(metric))
    assert kind_for("auto", evaluator) == kind
    (probs, y), (others, truth) = rows(1500), rows(1500)
    parts = np.arange(1500) % 3
    folds = [FoldProbs(np.flatnonzero(parts == p), probs[parts == p]) for p in range(3)]
    found = decided(folds, y, np.arange(1500), evaluator, kind=kind)
    assert found.facts["honest"] > found.facts["plain"] + 0.02
    assert found.facts["in_sample"] >= found.facts["honest"] - 0.01
    fresh = evaluator.score(DECISIONS[kind].apply(target, others, found.values), truth)
    assert fresh > evaluator.score(others, truth) + 0.02
    assert abs(fresh - found.facts["honest"]) < 0.06


def test_a_labels_threshold_for_a_macro_mean_depends_on_no_other_label() -> None:
    evaluator = Evaluator(LABELS, metric_named("f1_macro"))
    probs, y = labelled(400)
    y[:, 2] = 0
    fit = DECISIONS["label-thresholds"].fit
    whole = fit(evaluator, probs, y, None)
    assert [fit(evaluator, probs[:, [at]], y[:, [at]], None)[0] for at in range(3)] == list(whole)
    assert whole[2] == 0.5  # true nowhere
    others = probs.copy()
    others[:, 0] = RNG.random(400)
    assert fit(evaluator, others, y, None)[1] == whole[1]


def test_where_every_row_has_a_label_thresholds_are_fitted_together() -> None:
    target = LabelSet(names=("a", "b", "c"), empty=None)
    evaluator = Evaluator(target, metric_named("f1_macro"))
    probs, y = labelled(400)
    found = moved(probs, DECISIONS["label-thresholds"].fit(evaluator, probs, y, None))
    assert evaluator.score(found, y) > evaluator.score(probs, y) + 0.02


def test_each_fold_is_decided_by_values_of_the_others() -> None:
    evaluator = Evaluator(LABELS, metric_named("f1_macro"))
    probs, y = labelled(300)
    folds = [FoldProbs(np.arange(150), probs[:150]), FoldProbs(np.arange(150, 300), probs[150:])]
    found = decided(folds, y, np.arange(300), evaluator, kind="label-thresholds")
    fit = DECISIONS["label-thresholds"].fit(evaluator, probs[150:], y[150:], None)
    assert found.facts["fold_values"][0] == fit.tolist()
    assert (found.folds[0].probs == moved(probs[:150], fit)).all()


def test_a_single_hold_out_is_decided_by_halves() -> None:
    evaluator = Evaluator(LABELS, metric_named("f1_micro"))
    probs, y = labelled(200)
    found = decided(
        [FoldProbs(np.arange(200), probs)], y, np.arange(200), evaluator, kind="threshold"
    )
    assert len(found.facts["fold_values"]) == 2
    assert found.folds[0].probs.shape == probs.shape


def test_a_threshold_comes_to_lie_at_a_half_and_order_is_kept() -> None:
    p = np.linspace(0, 1, 101, dtype=np.float32)[:, None]
    shifted = moved(p, np.array([0.2]))
    assert ((shifted >= 0.5) == (p >= 0.2 - 1e-7)).all()
    assert (np.diff(shifted.ravel()) > 0).all()
    assert shifted[0] == 0 and shifted[-1] == 1


def test_cut_points_decide_which_grade_an_expectation_is() -> None:
    low = np.array([0.4, 0.6, 1.9, 2.95])
    probs = np.zeros((4, 4), np.float32)
    at = np.minimum(low.astype(int), 2)
    probs[np.arange(4), at], probs[np.arange(4), at + 1] = 1 - (low - at), low - at
    cut = graded(GRADES, probs, np.array([0.55, 1.95, 2.9]))
    assert GRADES.answers(cut, "index").tolist() == [0, 1, 1, 3]
    assert np.allclose(cut.sum(axis=1), 1)


def test_the_unknown_class_is_ranked_where_it_pays() -> None:
    evaluator = Evaluator(CLASSES, metric_named("map2"))
    sure, y = np.tile([0.9, 0.1, 0.0], (60, 1)), np.repeat(0, 60)
    unsure, strange = np.tile([0.3, 0.2, 0.0], (40, 1)), np.repeat(2, 40)
    probs = np.concatenate([sure, unsure]).astype(np.float32)
    truth = np.concatenate([y, strange])
    values = DECISIONS["unknown"].fit(evaluator, probs, truth, None)
    found = DECISIONS["unknown"].apply(CLASSES, probs, values)
    assert evaluator.score(found, truth) == 1


def test_where_nothing_is_gained_the_plain_reading_stays() -> None:
    evaluator = Evaluator(LABELS, metric_named("f1_micro"))
    y = (RNG.random((50, 3)) < 0.5).astype(float)
    assert DECISIONS["threshold"].fit(evaluator, y.astype(np.float32), y, None).tolist() == [0.5]


@pytest.mark.parametrize(
    ("wanted", "metric", "target", "words"),
    [
        ("cut-points", "f1_micro", LABELS, "decision=cut-points is for grades"),
        (
            "threshold",
            "rmse",
            Numbers(names=("a",)),
            "decision=threshold is for yes or no, or a set",
        ),
        ("unknown", "accuracy", OneClass(names=("a", "b")), "one of which stands for the unknown"),
    ],
)
def test_a_decision_that_means_nothing_here_is_refused(
    wanted: str, metric: str, target: Target, words: str
) -> None:
    with pytest.raises(KitError, match=words):
        kind_for(wanted, Evaluator(target, metric_named(metric)))


def test_auto_decides_nothing_for_probabilities_and_numbers() -> None:
    for target, metric in (
        (YesNo(names=("a",)), "auc"),
        (Numbers(names=("a",)), "rmse"),
        (LABELS, "mean_column_auc"),
        (OneClass(names=("a", "b")), "accuracy"),
    ):
        assert kind_for("auto", Evaluator(target, metric_named(metric))) == "none"


@pytest.mark.parametrize("share", [0.05, 0.005, 0.001])
def test_a_threshold_of_rare_answers_lies_where_they_begin(share: float) -> None:
    evaluator = Evaluator(YesNo(names=("a",)), metric_named("f1_micro"))
    rng = np.random.default_rng(1)
    y = (np.arange(20_000) < 20_000 * share).astype(float)[:, None]
    probs = np.where(y > 0, rng.uniform(0.08, 0.9, y.shape), rng.uniform(0, 0.06, y.shape))
    value = DECISIONS["threshold"].fit(evaluator, probs.astype(np.float32), y, None)
    assert evaluator.score(moved(probs.astype(np.float32), value), y) == 1


def test_the_cut_point_of_a_rare_grade_lies_where_it_begins() -> None:
    evaluator = Evaluator(GRADES, metric_named("balanced_accuracy"))
    y = np.repeat([0, 1, 2, 3], [3000, 1900, 80, 20])
    seen = 0.7 * y + np.random.default_rng(1).uniform(0, 0.3, len(y))  # no two grades overlap
    low = np.minimum(seen.astype(int), 2)
    probs = np.zeros((len(y), 4), np.float32)
    probs[np.arange(len(y)), low] = 1 - (seen - low)
    probs[np.arange(len(y)), low + 1] = seen - low
    cuts = DECISIONS["cut-points"].fit(evaluator, probs, y, None)
    assert evaluator.score(graded(GRADES, probs, cuts), y) == 1


@pytest.mark.parametrize("count", [1, 2, 40])
@pytest.mark.parametrize(("kind", "metric", "target", "rows"), CASES[:3], ids=lambda each: str(each)[:16])  # fmt: skip
def test_a_hold_out_of_one_group_is_decided_and_doubted(
    count: int, kind: str, metric: str, target: Target, rows: Any
) -> None:
    evaluator = Evaluator(target, metric_named(metric))
    probs, y = rows(50)
    held = [FoldProbs(np.arange(count), probs[:count])]
    found = decided(
        held, y, np.repeat(["one", "others"], [count, 50 - count]), evaluator, kind=kind
    )
    assert np.isfinite(found.folds[0].probs).all()
    assert "all held-out rows are one group" in found.doubt
    assert not decided(held, y, np.arange(50), evaluator, kind=kind).doubt or count == 1


def test_repeats_that_hold_out_the_same_rows_are_doubted() -> None:
    evaluator = Evaluator(LABELS, metric_named("f1_micro"))
    probs, y = labelled(40)
    held = [FoldProbs(np.arange(20), probs[:20])] * 2
    found = decided(held, y, np.arange(40) // 5, evaluator, kind="threshold")
    assert "a repeat holds out all rows that others do" in found.doubt
