"""Areas under the ROC curve: of a column, of all columns, above a rate, with weighted bands."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from common.errors import KitError
from common.metrics.metric import (
    Answers,
    Metric,
    Scorer,
    Truth,
    Weights,
    as_columns,
    check_binary,
    mean_over,
    ratio,
    weights_of,
)

Rates = npt.NDArray[np.float64]
Area = Callable[[Rates, Rates], float]  # of (hits, false alarms), counted up from 0 at (0, 0)


def whole_area(hits: Rates, alarms: Rates) -> float:
    """The area under the curve through these counts, as `sklearn.metrics.roc_auc_score` has it."""
    area = float(np.diff(alarms) @ (hits[1:] + hits[:-1])) / 2
    return ratio(area, float(hits[-1] * alarms[-1]))


def band_area(low: float, high: float, hits: Rates, alarms: Rates) -> float:
    """The area right of the curve between two true positive rates; at most `high - low`.

    Each segment of the curve is cut where it crosses a bound: the bounds are inserted into the
    curve by interpolation.
    """
    if hits[-1] <= 0 or alarms[-1] <= 0:
        return float("nan")
    y, x = hits / hits[-1], alarms / alarms[-1]
    rise, run = np.diff(y), np.diff(x)
    rising = rise > 0
    begin, start, rise, run = y[:-1][rising], x[:-1][rising], rise[rising], run[rising]
    below, above = np.clip(begin, low, high), np.clip(begin + rise, low, high)
    middle = start + run * ((below + above) / 2 - begin) / rise
    return float((above - below) @ (1 - middle))


def alaska_area(hits: Rates, alarms: Rates) -> float:
    """Alaska2's weighted AUC: what lies below a true positive rate of 0.4 counts twice."""
    lower, upper = band_area(0.0, 0.4, hits, alarms), band_area(0.4, 1.0, hits, alarms)
    return (2 * lower + upper) / 1.4


def prepare_column(area: Area, truth: Rates, answers: Rates) -> Scorer:
    """Sort one column [N] once; its missing cells are left out."""
    there = np.flatnonzero(~np.isnan(truth))
    scores = answers[there]
    if np.isnan(scores).any() or len(there) == 0:
        return lambda _: float("nan")
    order = np.argsort(-scores, kind="stable")
    rows, scores = there[order], scores[order]
    positive = truth[rows] > 0
    # Rows of one score are passed together: the curve has a point after the last of each.
    ends = np.append(np.flatnonzero(scores[1:] != scores[:-1]), len(scores) - 1) + 1

    def curve(weights: Weights) -> Rates:
        counted = np.concatenate(([0.0], np.cumsum(weights)[ends - 1]))
        return np.asarray(counted)

    def scorer(weights: Weights) -> float:
        sorted_ = weights[rows]
        return area(curve(sorted_ * positive), curve(sorted_ * ~positive))

    return scorer


def prepare_one(name: str, area: Area, truth: Truth, answers: Answers) -> Scorer:
    """The area of the only column."""
    truth, answers = as_columns(truth), as_columns(answers)
    if truth.shape[1] != 1:
        raise KitError(
            f"{name} takes one column, and there are {truth.shape[1]}: mean_column_auc takes several"
        )
    check_binary(name, truth)
    return prepare_column(area, truth[:, 0], answers[:, 0])


def prepare_columns(name: str, given: Sequence[float], truth: Truth, answers: Answers) -> Scorer:
    """The weighted mean of the columns' areas; a column without one counts nowhere."""
    truth, answers = as_columns(truth), as_columns(answers)
    check_binary(name, truth)
    shares = weights_of(name, given, truth.shape[1])
    columns = [
        prepare_column(whole_area, truth[:, at], answers[:, at]) for at in range(truth.shape[1])
    ]
    broken = np.isnan(np.where(np.isnan(truth), 0.0, answers)).any()

    def scorer(weights: Weights) -> float:
        if broken:  # a nan among the answers is no column without positives
            return float("nan")
        return mean_over(np.array([column(weights) for column in columns]), shares)

    return scorer


def without_both(truth: Truth, names: Sequence[str]) -> list[str]:
    """A sentence for each column that holds one value only."""
    columns = as_columns(truth)
    sentences = []
    for at, name in enumerate(names):
        values = columns[:, at][~np.isnan(columns[:, at])]
        if not values.size:
            sentences.append(f"column {name!r} holds no value: it has no AUC and counts nowhere")
        elif values.min() == values.max():
            sentences.append(
                f"column {name!r} is {values[0]:g} in every row: it has no AUC and counts nowhere"
            )
    return sentences


def of_one(name: str, area: Area) -> Metric:
    """A metric that is an area of one column."""
    return Metric(
        name=name,
        form="columns",
        higher_is_better=True,
        prepare=partial(prepare_one, name, area),
        by_rank=True,
        undefined=without_both,
    )


def partial_auc(name: str, least: float) -> Metric:
    """The area above a true positive rate; `name` says which, and the best is 1 minus it."""
    if not 0 <= least < 1:
        raise KitError(f"{name}: the true positive rate is at least 0 and below 1")
    return of_one(name, partial(band_area, least, 1.0))


def mean_column_auc(name: str, *weights: float) -> Metric:
    """The mean of the columns' AUC, weighted where `name` has weights."""
    return Metric(
        name=name,
        form="columns",
        higher_is_better=True,
        prepare=partial(prepare_columns, name, weights),
        by_rank=True,
        undefined=without_both,
    )


RANKING = (of_one("auc", whole_area), of_one("weighted_auc", alaska_area))
