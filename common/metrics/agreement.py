"""One class or grade a row: accuracy, recall by class, quadratic weighted kappa."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from common.errors import KitError
from common.metrics.metric import (
    Answers,
    Metric,
    RowScores,
    Scorer,
    Truth,
    Weights,
    mean_of_rows,
    mean_over,
    ratio,
    weights_of,
)


def one_a_row(name: str, truth: Truth) -> None:
    """Raise KitError unless there is one target."""
    if truth.ndim > 1 and truth.shape[1] != 1:
        raise KitError(f"{name} takes one answer a row, and there are {truth.shape[1]} columns")


def hits(name: str, truth: Truth, answers: Answers) -> RowScores:
    """1 for each row whose answer is right, else 0."""
    one_a_row(name, truth)
    return np.asarray(truth == answers, dtype=np.float64).reshape(len(truth))


def prepare_recall(truth: Truth, answers: Answers) -> Scorer:
    """The mean over the classes that are true of some row, as `balanced_accuracy_score`."""
    classes, of = np.unique(truth, return_inverse=True)
    right = np.asarray(truth == answers, dtype=np.float64)

    def scorer(weights: Weights) -> float:
        true = np.bincount(of, weights, minlength=len(classes))
        hit = np.bincount(of, weights * right, minlength=len(classes))
        seen = true > 0
        return ratio(float((hit[seen] / true[seen]).sum()), int(seen.sum()))

    return scorer


def prepare_balanced(truth: Truth, answers: Answers) -> Scorer:
    """The mean recall of one target."""
    one_a_row("balanced_accuracy", truth)
    return prepare_recall(truth.reshape(-1), answers.reshape(-1))


def prepare_targets(name: str, given: Sequence[float], truth: Truth, answers: Answers) -> Scorer:
    """The weighted mean of the targets' mean recalls; truth and answers are [N] or [N, T]."""
    if truth.ndim == 1:
        truth, answers = truth[:, None], answers[:, None]
    shares = weights_of(name, given, truth.shape[1])
    targets = [prepare_recall(truth[:, at], answers[:, at]) for at in range(truth.shape[1])]
    return lambda weights: mean_over(np.array([target(weights) for target in targets]), shares)


def prepare_kappa(truth: Truth, answers: Answers) -> Scorer:
    """`cohen_kappa_score(truth, answers, labels=range(C), weights="quadratic")`.

    The sum of the squared distances is compared with what it would be were the grades of truth and
    answers dealt out anew; grades that nobody has change neither.
    """
    one_a_row("qwk", truth)
    pairs = np.stack([truth.reshape(-1), answers.reshape(-1)], axis=1)
    cells, of = np.unique(pairs, axis=0, return_inverse=True)
    left, right = (cells[:, side].astype(np.float64) for side in (0, 1))

    def scorer(weights: Weights) -> float:
        counted = np.bincount(of.reshape(-1), weights, minlength=len(cells))
        kept = counted > 0
        counted, a, b = counted[kept], left[kept], right[kept]
        if not len(a) or ((a == a[0]).all() and (b == a[0]).all()):
            return float("nan")
        if (a == a[0]).all() or (b == b[0]).all():
            return 0.0  # and not what rounding leaves of it, of either sign
        total = counted.sum()
        mean_a, mean_b = counted @ a / total, counted @ b / total
        # The mean of (a - b)² over all pairs of a true and an answered grade, without their table.
        spread = counted @ ((a - mean_a) ** 2 + (b - mean_b) ** 2) / total
        return float(1 - (counted @ (a - b) ** 2 / total) / (spread + (mean_a - mean_b) ** 2))

    return scorer


def absent(truth: Truth, names: Sequence[str]) -> list[str]:
    """A sentence for each class that no row has."""
    if truth.ndim > 1 and truth.shape[1] != 1:
        return []
    there = {int(index) for index in np.unique(truth)}
    return [
        f"no row is {name!r}: it has no recall and counts nowhere"
        for index, name in enumerate(names)
        if index not in there
    ]


def one_grade(truth: Truth, names: Sequence[str]) -> list[str]:
    """A sentence when every row has the same grade."""
    del names
    if len(np.unique(truth)) > 1:
        return []
    return ["every row has the same grade: kappa is 0, or undefined where the answers have it, too"]


def macro_recall(name: str, *weights: float) -> Metric:
    """The mean recall over classes; of several targets the weighted mean."""
    return Metric(
        name=name,
        form="index",
        higher_is_better=True,
        prepare=partial(prepare_targets, name, weights),
        undefined=absent,
    )


AGREEMENT = (
    Metric(
        name="accuracy",
        form="index",
        higher_is_better=True,
        prepare=partial(mean_of_rows, partial(hits, "accuracy")),
        rows=partial(hits, "accuracy"),
    ),
    Metric(
        name="balanced_accuracy",
        form="index",
        higher_is_better=True,
        prepare=prepare_balanced,
        undefined=absent,
    ),
    Metric(
        name="qwk",
        form="index",
        higher_is_better=True,
        prepare=prepare_kappa,
        grades=True,
        undefined=one_grade,
    ),
)
