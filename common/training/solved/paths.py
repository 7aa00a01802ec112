"""Answers of every kind to what a solver takes: a layer at each penalty, on the features as they come."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from common.targets import Target
from common.training.solved.linear_solvers import (
    lda_path,
    logistic_path,
    ridge_path,
    svm_path,
    svr_path,
)
from common.training.solved.principal import Layer, Part, Principal, principal

Solve = Callable[[Principal, npt.NDArray[np.float64], Sequence[float]], Iterator[Layer]]


def path_of(
    head: str,
    rows: Principal,
    answers: npt.NDArray[Any],
    target: Target,
    penalties: Sequence[float],
    *,
    one_of: bool,
) -> Iterator[Layer]:
    """A head's layer at each penalty, by the rows' answers: classes [N], or numbers [N, outputs].

    With `one_of` these are shares of classes, of which LDA takes the largest.
    """
    outputs, classes = len(target.outputs), answers.ndim == 1
    if head == "lda":
        hard = answers if classes else answers.argmax(axis=1)
        return map(rows.unfold, lda_path(rows, hard, outputs, penalties))
    y = np.eye(outputs)[answers] if classes else answers.astype(np.float64)
    if head == "logistic":
        return map(rows.unfold, logistic_path(rows, y, penalties, one_of=one_of))
    if head == "svm":
        return map(rows.unfold, svm_path(rows, y, penalties, one_of=one_of))
    if head == "svr" and not target.scaling[1]:
        grades = map(rows.unfold, svr_path(rows, y.sum(axis=1)[:, None], penalties))
        return (_grade_layer(each, outputs) for each in grades)
    if head == "svr":
        return _of_known(svr_path, rows, y, penalties)
    return _of_known(ridge_path, rows, y if target.scaling[1] else 2 * y - 1, penalties)


def _grade_layer(layer: Layer, outputs: int) -> Layer:
    """The layer of a grade, from 0 on, as outputs 'above grade k', which are 0 halfway to the next."""
    weight, bias = layer
    return np.repeat(weight, outputs, axis=0), bias - np.arange(outputs) - 0.5


def _of_known(
    solve: Solve, rows: Principal, y: npt.NDArray[np.float64], penalties: Sequence[float]
) -> Iterator[Layer]:
    """Layers of answers [N, outputs], each column on the rows that know it."""
    alike, outputs = _alike(y), y.shape[1]
    for parts in zip(*(_of_alike(solve, rows, y, each, penalties) for each in alike), strict=True):
        weight, bias = np.zeros((outputs, rows.part.width)), np.zeros(outputs)
        for columns, layer in zip(alike, parts, strict=True):
            weight[columns], bias[columns] = layer
        yield weight, bias


def _of_alike(
    solve: Solve,
    rows: Principal,
    y: npt.NDArray[np.float64],
    columns: list[int],
    penalties: Sequence[float],
) -> Iterator[Layer]:
    """Layers of columns that know the same rows; a column that knows none predicts 0, its mean."""
    known, part = np.isfinite(y[:, columns[0]]), rows.part
    if not known.any():
        empty = np.zeros((len(columns), part.width)), np.zeros(len(columns))
        yield from (empty for _ in penalties)
        return
    if not known.all():
        images = np.zeros(len(part.rows), bool)
        images[part.places[known]] = True
        answers = np.empty((len(images), y.shape[1]))
        answers[part.places] = y
        rows = principal(Part(part.table, part.rows[images], part.columns))
        y = answers[images][rows.part.places]  # fewer rows come in other blocks, each view by view
    yield from map(rows.unfold, solve(rows, y[:, columns], penalties))


def _alike(y: npt.NDArray[np.float64]) -> list[list[int]]:
    """The columns of answers by which rows they know."""
    groups: dict[bytes, list[int]] = {}
    for column in range(y.shape[1]):
        groups.setdefault(np.isfinite(y[:, column]).tobytes(), []).append(column)
    return list(groups.values())
