"""Log losses: of one class of K, of yes or no, by class, of several labels with a weight each."""

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
    as_columns,
    check_binary,
    known,
    mean_of_rows,
    mean_over,
    ratio,
    weights_of,
)

FLOOR = 1e-15  # Kaggle clips probabilities to [FLOOR, 1 - FLOOR]


def cell_losses(truth: Truth, answers: Answers) -> RowScores:
    """The loss of each cell [N, K] of yes or no; nan where the truth is missing."""
    truth, clipped = as_columns(truth), np.clip(as_columns(answers), FLOOR, 1 - FLOOR)
    losses = -np.log(np.where(truth == 1, clipped, 1 - clipped))
    return np.where(np.isnan(truth), np.nan, losses)


def row_losses(truth: Truth, answers: Answers) -> RowScores:
    """The loss of each row [N]: of yes or no in one column, of one class in several.

    The probabilities of classes are divided by their sum, then clipped.
    """
    truth, rows = as_columns(truth), as_columns(answers)
    check_binary("log_loss", truth)
    if truth.shape[1] == 1:
        return cell_losses(truth, rows)[:, 0]
    there = known(truth)
    if (truth[there].sum(axis=1) != 1).any():
        raise KitError(
            "log_loss takes one true class a row: where several may be true, it is weighted_log_loss"
        )
    with np.errstate(invalid="ignore"):  # 0 / 0 is nan, as it should be
        rows = rows / rows.sum(axis=1, keepdims=True)
    picked = rows[np.arange(len(rows)), np.where(there[:, None], truth, 0).argmax(axis=1)]
    return np.where(there, -np.log(np.clip(picked, FLOOR, 1 - FLOOR)), np.nan)


def prepare_labels(name: str, given: Sequence[float], truth: Truth, answers: Answers) -> Scorer:
    """The mean over all cells that are there, each with its column's weight."""
    truth = as_columns(truth)
    check_binary(name, truth)
    shares = weights_of(name, given, truth.shape[1])
    there = ~np.isnan(truth)
    losses = np.where(there, cell_losses(truth, answers), 0) @ shares
    counted = there @ shares

    def scorer(weights: Weights) -> float:
        return ratio(float(weights @ losses), float(weights @ counted))

    return scorer


def prepare_classes(name: str, given: Sequence[float], truth: Truth, answers: Answers) -> Scorer:
    """The (weighted) mean over classes of the mean loss of each one's rows."""
    truth = as_columns(truth)
    losses, there = row_losses(truth, answers), known(truth)
    count = max(truth.shape[1], 2)
    shares = weights_of(name, given, count, "classes")
    held = np.where(np.isnan(truth), 0, truth)
    of = held[:, 0].astype(np.int64) if held.shape[1] == 1 else held.argmax(axis=1)

    def scorer(weights: Weights) -> float:
        kept = there & (weights > 0)
        sums = np.bincount(of[kept], weights[kept] * losses[kept], minlength=count)
        counts = np.bincount(of[kept], weights[kept], minlength=count)
        if np.isnan(sums).any():
            return float("nan")
        return mean_over(
            np.array([ratio(*pair) for pair in zip(sums, counts, strict=True)]), shares
        )

    return scorer


def no_row(truth: Truth, names: Sequence[str]) -> list[str]:
    """A sentence for each class that is true of no row."""
    truth = as_columns(truth)
    if truth.shape[1] == 1:
        truth, names = np.hstack([1 - truth, truth]), (f"not {names[0]}", names[0])
    seen = np.nansum(truth, axis=0) > 0
    return [
        f"no row is {name!r}: it has no loss and counts nowhere"
        for name, there in zip(names, seen, strict=True)
        if not there
    ]


def balanced_log_loss(name: str, *weights: float) -> Metric:
    """The mean over classes of each one's log loss, weighted where `name` has weights: Mayo's."""
    return Metric(
        name=name,
        form="columns",
        higher_is_better=False,
        prepare=partial(prepare_classes, name, weights),
        one_class=True,
        undefined=no_row,
    )


def weighted_log_loss(name: str, *weights: float) -> Metric:
    """The mean over columns of their log losses, weighted where `name` has weights: RSNA's."""
    return Metric(
        name=name,
        form="columns",
        higher_is_better=False,
        prepare=partial(prepare_labels, name, weights),
    )


PROBABILITY = (
    Metric(
        name="log_loss",
        form="columns",
        higher_is_better=False,
        prepare=partial(mean_of_rows, row_losses),
        rows=row_losses,
        one_class=True,
    ),
)
