"""Numbers, with missing cells left out: RMSE, R2, mean absolute error."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from common.metrics.metric import (
    Answers,
    Metric,
    Scorer,
    Truth,
    Weights,
    as_columns,
    mean_over,
    ratio,
    weights_of,
)

Columns = npt.NDArray[np.float64]


def errors(truth: Truth, answers: Answers) -> tuple[Columns, Columns, Columns]:
    """What is there [N, K] as 0 and 1, the truth, and the answers' errors; 0 where it is missing."""
    truth, answers = as_columns(truth), as_columns(answers)
    there = ~np.isnan(truth)
    return (
        there.astype(np.float64),
        np.where(there, truth, 0.0),
        np.where(there, answers - truth, 0.0),
    )


def prepare_rmse(truth: Truth, answers: Answers) -> Scorer:
    """The root of the mean square over all cells."""
    there, _, wrong = errors(truth, answers)
    squares, counted = (wrong**2).sum(axis=1), there.sum(axis=1)
    return lambda weights: float(np.sqrt(ratio(float(weights @ squares), float(weights @ counted))))


def prepare_column_rmse(truth: Truth, answers: Answers) -> Scorer:
    """The mean of the columns' root mean squares; a column without a value counts nowhere."""
    there, _, wrong = errors(truth, answers)
    squares = wrong**2

    def scorer(weights: Weights) -> float:
        found = [ratio(*pair) for pair in zip(weights @ squares, weights @ there, strict=True)]
        broken = np.isnan(weights @ squares).any()
        return float("nan") if broken else mean_over(np.sqrt(found), np.ones(len(found)))

    return scorer


def prepare_mae(truth: Truth, answers: Answers) -> Scorer:
    """The mean absolute error over all cells."""
    there, _, wrong = errors(truth, answers)
    sizes, counted = np.abs(wrong).sum(axis=1), there.sum(axis=1)
    return lambda weights: ratio(float(weights @ sizes), float(weights @ counted))


def prepare_r2(name: str, given: Sequence[float], truth: Truth, answers: Answers) -> Scorer:
    """One R2 over all cells with a weight a column, which the mean of the truth has as well."""
    there, true, wrong = errors(truth, answers)
    there = there * weights_of(name, given, there.shape[1])
    true, squares = true.reshape(-1), (wrong**2).reshape(-1)
    return lambda weights: r2_of((there * weights[:, None]).reshape(-1), true, squares)


def prepare_column_r2(truth: Truth, answers: Answers) -> Scorer:
    """The mean of the columns' R2; a column of one value only counts nowhere."""
    there, true, wrong = (np.asfortranarray(each) for each in errors(truth, answers))
    squares, places = wrong**2, range(there.shape[1])
    broken = np.isnan(wrong).any()

    def scorer(weights: Weights) -> float:
        if broken:
            return float("nan")
        found = [r2_of(there[:, at] * weights, true[:, at], squares[:, at]) for at in places]
        return mean_over(np.array(found), np.ones(len(found)))

    return scorer


def r2_of(weights: Columns, true: Columns, squares: Columns) -> float:
    """1 - the squares of the errors over those around the mean, all weighted; nan if all is one."""
    total = weights.sum()
    if not total > 0:
        return float("nan")
    around = true - weights @ true / total
    spread = (weights * around) @ around
    # One value's mean may miss it by a rounding: only then are the values themselves compared.
    if spread <= 1e-24 * (weights @ true**2) and not np.ptp(true[weights > 0]):
        return float("nan")
    return 1 - ratio(float(weights @ squares), float(spread))


def one_value(truth: Truth, names: Sequence[str]) -> list[str]:
    """A sentence for each column that holds one value, or none."""
    columns = as_columns(truth)
    sentences = []
    for at, name in enumerate(names):
        values = columns[:, at][~np.isnan(columns[:, at])]
        if not values.size or values.min() == values.max():
            what = "one value only" if values.size else "no value"
            sentences.append(f"column {name!r} holds {what}: it has no R2 and counts nowhere")
    return sentences


def no_value(truth: Truth, names: Sequence[str]) -> list[str]:
    """A sentence for each column that holds none."""
    columns = as_columns(truth)
    return [
        f"column {name!r} holds no value and counts nowhere"
        for at, name in enumerate(names)
        if np.isnan(columns[:, at]).all()
    ]


def all_one(truth: Truth, names: Sequence[str]) -> list[str]:
    """A sentence when all cells hold one value."""
    values = truth[~np.isnan(truth)]
    if values.size and values.min() != values.max():
        return no_value(truth, names)
    return ["all cells hold one value: there is no R2"]


def r2(name: str, *weights: float) -> Metric:
    """One R2 over all cells, with the target weights that `name` has."""
    return Metric(
        name=name,
        form="columns",
        higher_is_better=True,
        prepare=partial(prepare_r2, name, weights),
        undefined=all_one,
    )


REGRESSION = tuple(
    Metric(name=name, form="columns", higher_is_better=higher, prepare=prepare, undefined=told)
    for name, higher, prepare, told in (
        ("rmse", False, prepare_rmse, no_value),
        ("mean_column_rmse", False, prepare_column_rmse, no_value),
        ("mean_column_r2", True, prepare_column_r2, one_value),
        ("mae", False, prepare_mae, no_value),
    )
)
