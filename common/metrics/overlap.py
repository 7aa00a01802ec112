"""Precision and recall in one number: F-beta of label sets, and the probabilistic F1."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from common.errors import KitError
from common.metrics.metric import (
    Answers,
    Metric,
    RowScores,
    Scorer,
    Truth,
    Weights,
    as_columns,
    check_binary,
    mean_of_rows,
    no_remarks,
    ratio,
)

Index = npt.NDArray[np.int64]


def cells(marks: npt.NDArray[Any]) -> tuple[Index, Index]:
    """(rows, labels) of what is true: in bool [N, C], or of the one label a row in int64 [N]."""
    if marks.ndim == 1:
        return np.arange(len(marks)), marks
    rows, labels = np.nonzero(marks)
    return rows, labels


def both(truth: Truth, answers: Answers) -> tuple[Index, Index]:
    """(rows, labels) of what is true and answered."""
    if truth.ndim > 1:
        return cells(truth & answers)
    rows = np.flatnonzero(truth == answers)
    return rows, truth[rows]


def prepare_macro(beta: float, truth: Truth, answers: Answers) -> Scorer:
    """The mean over the labels seen in truth or answers, as `fbeta_score(average="macro")`."""
    found = (both(truth, answers), cells(truth), cells(answers))
    count = 1 + max((int(labels.max()) for _, labels in found if len(labels)), default=-1)

    def scorer(weights: Weights) -> float:
        hit, true, told = (
            np.bincount(labels, weights[rows], minlength=count) for rows, labels in found
        )
        below = beta**2 * true + told
        seen = below > 0
        return ratio(float(((1 + beta**2) * hit[seen] / below[seen]).sum()), int(seen.sum()))

    return scorer


def counts(truth: Truth, answers: Answers) -> tuple[RowScores, RowScores, RowScores]:
    """How many labels of each row [N] are hit, true, and answered."""
    hit, true, told = (
        np.bincount(rows, minlength=len(truth)).astype(np.float64)
        for rows, _ in (both(truth, answers), cells(truth), cells(answers))
    )
    return hit, true, told


def prepare_micro(beta: float, truth: Truth, answers: Answers) -> Scorer:
    """F-beta of all cells together, as `fbeta_score(average="micro")`."""
    hit, true, told = counts(truth, answers)
    above, below = (1 + beta**2) * hit, beta**2 * true + told
    return lambda weights: ratio(float(weights @ above), float(weights @ below))


def row_scores(beta: float, truth: Truth, answers: Answers) -> RowScores:
    """Each row's F-beta, as `fbeta_score(average="samples")`: 0 for two empty sets, too."""
    hit, true, told = counts(truth, answers)
    return (1 + beta**2) * hit / np.maximum(beta**2 * true + told, np.finfo(float).tiny)


def prepare_probabilistic(truth: Truth, answers: Answers) -> Scorer:
    """F1 of probabilities clipped to [0, 1], which count in part: RSNA 2022's."""
    truth, answers = as_columns(truth), as_columns(answers)
    if truth.shape[1] != 1:
        raise KitError(f"probabilistic_f1 takes one column, and there are {truth.shape[1]}")
    check_binary("probabilistic_f1", truth)
    there = ~np.isnan(truth[:, 0])
    positive = truth[there, 0]
    told = np.clip(answers[there, 0], 0, 1)

    def scorer(weights: Weights) -> float:
        kept = weights[there]
        hit, positives = float(kept @ (told * positive)), float(kept @ positive)
        if not positives:
            return float("nan")
        if hit == 0:
            return 0.0
        precision, recall = hit / float(kept @ told), hit / positives
        return 2 * precision * recall / (precision + recall)

    return scorer


def never_true(truth: Truth, names: Sequence[str]) -> list[str]:
    """A sentence for each label that no row has."""
    absent = set(range(len(names))) - {int(label) for label in np.unique(cells(truth)[1])}
    return [
        f"no row has {names[at]!r}: it scores 0 where it is answered, and counts nowhere else"
        for at in sorted(absent)
    ]


def no_positive(truth: Truth, names: Sequence[str]) -> list[str]:
    """A sentence when no row is positive."""
    del names
    if (as_columns(truth) == 1).any():
        return []
    return ["no row is positive: there is no recall, and so no score"]


def f_beta(name: str, beta: float, average: str) -> Metric:
    """F-beta by label ("macro"), of all cells ("micro"), or by row ("rows")."""
    if not beta > 0:
        raise KitError(f"{name}: the number after f is above 0")
    by_row = partial(row_scores, beta)
    prepare = {
        "macro": partial(prepare_macro, beta),
        "micro": partial(prepare_micro, beta),
        "rows": partial(mean_of_rows, by_row),
    }[average]
    return Metric(
        name=name,
        form="sets",
        higher_is_better=True,
        prepare=prepare,
        rows=by_row if average == "rows" else None,
        undefined=never_true if average == "macro" else no_remarks,
    )


OVERLAP = (
    Metric(
        name="probabilistic_f1",
        form="columns",
        higher_is_better=True,
        prepare=prepare_probabilistic,
        undefined=no_positive,
    ),
)
