"""Decisions: a few numbers, fitted out-of-fold, that move probs to where their plain reading scores best.

A decision maps probs to probs: a threshold t moves t to 0.5, cut points move to the halves between
grades, factors weigh classes before the likeliest is taken. So what reads and writes answers needs no
decision of its own. Each is fitted on rows that it is not judged on (`fitting.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from common.errors import KitError
from common.inference.evaluator import Evaluator, Weights
from common.inference.search import CANDIDATES, Values, best, candidates, one_at_a_time
from common.inference.temperature import apply_for, fit_for
from common.metrics import Form, Probs
from common.targets import Grades, LabelSet, OneClass, Target, Targets

POWERS = np.linspace(0, 1.5, 31)


@dataclass(frozen=True)
class Decision:
    """A kind of decision: how it is fitted and applied.

    Attributes:
        moves: the forms of answers that it can change.
        needs: what a target must be, for a sentence.
    """

    moves: tuple[Form, ...]
    fit: Callable[[Evaluator, Probs, Targets, Weights | None], Values]
    apply: Callable[[Target, Probs, Values], Probs]
    needs: str


def moved(probs: Probs, thresholds: Values) -> Probs:
    """Probabilities [N, K] with each column's threshold [K or 1] moved to 0.5, 0 and 1 kept."""
    t = np.clip(thresholds, 1e-6, 1 - 1e-6)
    p = probs.astype(np.float64)
    below, above = 0.5 * p / t, 0.5 + 0.5 * (p - t) / (1 - t)
    return np.asarray(np.where(p < t, below, above), dtype=np.float32)


def graded(target: Target, probs: Probs, cuts: Values) -> Probs:
    """Chances of grades [N, C] whose expected grade passes k + 0.5 where the given one passes cut k."""
    assert isinstance(target, Grades)
    top = len(target.names) - 1
    at = np.concatenate([[0.0], np.maximum.accumulate(cuts), [top]])
    to = np.concatenate([[0.0], np.arange(top) + 0.5, [top]])
    expected = np.interp(target.expected(probs), at, to)
    low = np.minimum(np.floor(expected).astype(np.int64), max(top - 1, 0))
    found = np.zeros(probs.shape, dtype=np.float32)
    rows, share = np.arange(len(probs)), expected - low
    found[rows, low], found[rows, low + 1] = 1 - share, share
    return found


def weighed(target: Target, probs: Probs, factors: Values) -> Probs:  # noqa: ARG001
    """Class probabilities [N, C] times a factor a class [C], each row normalised."""
    rows = probs.astype(np.float64) * factors
    return np.asarray(rows / np.maximum(rows.sum(axis=1, keepdims=True), 1e-30), dtype=np.float32)


def with_unknown(target: Target, probs: Probs, values: Values) -> Probs:
    """Class probabilities [N, C] where the unknown class has the same one, `values` [1], in every row."""
    assert isinstance(target, OneClass)
    found = probs.copy()
    found[:, target.names.index(target.unknown)] = values[0]
    return found


def _fit_threshold(
    evaluator: Evaluator, probs: Probs, y: Targets, weights: Weights | None
) -> Values:
    def cost(value: float) -> float:
        return evaluator.cost(moved(probs, np.array([value])), y, weights)

    return np.array([best(cost, [0.5, *candidates(probs.ravel(), yes=y.ravel() > 0.5)], 0.5)])


def _fit_label_thresholds(
    evaluator: Evaluator, probs: Probs, y: Targets, weights: Weights | None
) -> Values:
    if _takes_labels_apart(evaluator):
        # In a time that grows with the labels, and not with their square.
        each = [
            _fit_threshold(evaluator, probs[:, [at]], y[:, [at]], weights)
            if y[:, at].any()
            else np.array([0.5])  # true nowhere: whatever is answered there scores 0
            for at in range(probs.shape[1])
        ]
        return np.concatenate(each)
    start = np.repeat(_fit_threshold(evaluator, probs, y, weights), probs.shape[1])
    columns = [
        candidates(column, CANDIDATES // 3, yes=y[:, at] > 0.5) for at, column in enumerate(probs.T)
    ]
    return one_at_a_time(
        lambda values: evaluator.cost(moved(probs, values), y, weights), start, columns
    )


def _takes_labels_apart(evaluator: Evaluator) -> bool:
    """Is the score a mean over labels, and what is answered of one independent of the others?"""
    target = evaluator.target
    return "macro" in evaluator.name and isinstance(target, LabelSet) and target.empty is not None


def _fit_cut_points(
    evaluator: Evaluator, probs: Probs, y: Targets, weights: Weights | None
) -> Values:
    target = evaluator.target
    assert isinstance(target, Grades)
    expected = target.expected(probs)
    start: Values = np.arange(len(target.names) - 1).astype(np.float64) + 0.5
    # A grade may be rare: its cut point is also sought among the rows above it.
    tried = [candidates(expected, CANDIDATES // 2, yes=y > at) for at in range(len(start))]

    def cost(cuts: Values) -> float:
        if (np.diff(cuts) < 0).any():
            return np.inf
        return evaluator.cost(graded(target, probs, cuts), y, weights)

    return one_at_a_time(cost, start, tried)


def _fit_factors(evaluator: Evaluator, probs: Probs, y: Targets, weights: Weights | None) -> Values:
    """1 / frequency of each class to a power: one number is fitted, whatever the number of classes."""
    counts = np.bincount(y, minlength=probs.shape[1]) + 1.0
    rarity = counts.max() / counts

    def cost(power: float) -> float:
        return evaluator.cost(weighed(evaluator.target, probs, rarity**power), y, weights)

    return np.asarray(rarity ** best(cost, POWERS, 0.0))


def _fit_unknown(evaluator: Evaluator, probs: Probs, y: Targets, weights: Weights | None) -> Values:
    target = evaluator.target
    assert isinstance(target, OneClass)
    others = np.delete(probs, target.names.index(target.unknown), axis=1)

    def cost(value: float) -> float:
        return evaluator.cost(with_unknown(target, probs, np.array([value])), y, weights)

    return np.array([best(cost, [0.0, *candidates(others.max(axis=1)), 1.0], 0.0)])


ANSWERS: tuple[Form, ...] = ("index", "sets")
DECISIONS: dict[str, Decision] = {
    "temperature": Decision(
        moves=("index", "columns", "sets", "ranked"),
        fit=lambda *given: np.array([fit_for(*given)]),
        apply=lambda target, probs, values: apply_for(target, probs, float(values[0])),
        needs="classes or labels",
    ),
    "threshold": Decision(
        moves=ANSWERS,
        fit=_fit_threshold,
        apply=lambda _, probs, values: moved(probs, values),
        needs="yes or no, or a set of labels",
    ),
    "label-thresholds": Decision(
        moves=ANSWERS,
        fit=_fit_label_thresholds,
        apply=lambda _, probs, values: moved(probs, values),
        needs="a set of labels",
    ),
    "cut-points": Decision(moves=ANSWERS, fit=_fit_cut_points, apply=graded, needs="grades"),
    "class-factors": Decision(
        moves=ANSWERS, fit=_fit_factors, apply=weighed, needs="one class a row"
    ),
    "unknown": Decision(
        moves=("ranked",),
        fit=_fit_unknown,
        apply=with_unknown,
        needs="one class a row, one of which stands for the unknown",
    ),
}


def kind_for(wanted: str, evaluator: Evaluator) -> str:
    """The kind of decision that a recipe's word asks for; `auto`: the one that the metric asks for.

    Raises:
        KitError: it has no meaning for the target, or moves nothing that the metric compares.
    """
    target, metric = evaluator.target, evaluator.metric
    by_class = "balanced" in metric.name and "class-factors" in target.decisions
    if wanted == "auto":
        if "log_loss" in metric.name and not by_class and "temperature" in target.decisions:
            return "temperature"
        macro = "macro" in metric.name or "balanced" in metric.name
        return "class-factors" if by_class else target.decision_for(metric.form, macro)
    if wanted != "none" and wanted not in target.decisions:
        raise KitError(
            f"decision={wanted} is for {DECISIONS[wanted].needs}, and the target here is of kind "
            f"{target.kind}: say decision=auto"
        )
    moves = wanted == "none" or metric.form in DECISIONS[wanted].moves
    if not (moves or (wanted == "class-factors" and by_class)):
        compared = "the order of labels" if metric.form == "ranked" else "numbers"
        raise KitError(
            f"decision={wanted} changes which answer is given, and {metric.name} compares {compared}: "
            "say decision=auto"
        )
    return wanted
