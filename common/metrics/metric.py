"""What a metric is: a score of a whole set of answers against the truth, with a weight a row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from common.errors import KitError

# index:   truth int64 [N], answers int64 [N]: a class or a grade a row; [N, T] for several targets
# columns: truth float64 [N, K], answers float64 [N, K]: probabilities, scores or numbers; the truth
#          is 0 and 1, one-hot, or numbers, and nan where a cell is missing
# sets:    truth bool [N, C], answers bool [N, C]: any subset of C labels; or int64 [N] both, where
#          every row has one label
# ranked:  truth int64 [N], answers int64 [N, k]: labels, the best first, -1 for none
Form = Literal["index", "columns", "sets", "ranked"]
Truth = npt.NDArray[Any]
Answers = npt.NDArray[Any]
Weights = npt.NDArray[np.float64]
RowScores = npt.NDArray[np.float64]
Scorer = Callable[[Weights], float]


def no_remarks(truth: Truth, names: Sequence[str]) -> list[str]:
    """For metrics that any truth defines."""
    del truth, names
    return []


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A named score of N rows, and which way it points.

    A row of weight 0 counts as if it were not there. Where the rows leave a score undefined it is
    nan, which counts nowhere.

    Args:
        name: as `registry.metric_named` takes it, parameters included.
        form: what truth and answers are.
        higher_is_better: which of two scores won.
        prepare: sorts and counts once, so that thousands of weightings (a bootstrap) are cheap: a
            function from row weights float64 [N] to the score.
        rows: what each row scores, float64 [N], where the score is their weighted mean; rows whose
            truth is missing have nan and are left out.
        by_rank: only the order of the answers counts: they may be any numbers.
        depth: how many of a row's ranked answers count.
        grades: the indices are grades, whose distance counts, and not classes.
        one_class: of several columns one is true in each row.
        undefined: sentences on what of this truth has no score.
    """

    name: str
    form: Form
    higher_is_better: bool
    prepare: Callable[[Truth, Answers], Scorer]
    rows: Callable[[Truth, Answers], RowScores] | None = None
    by_rank: bool = False
    depth: int = 0
    grades: bool = False
    one_class: bool = False
    undefined: Callable[[Truth, Sequence[str]], list[str]] = no_remarks

    def score(self, truth: Truth, answers: Answers, weights: Weights | None = None) -> float:
        """The score of these rows, weighted by `weights` [N], or all alike; nan if undefined."""
        if len(truth) == 0:
            return float("nan")
        if weights is None and self.rows is not None:
            scores = self.rows(truth, answers)[known(truth)]
            return float(scores.mean()) if len(scores) else float("nan")
        if weights is None:
            weights = np.ones(len(truth))
        return self.prepare(truth, answers)(weights)

    def check(self, truth: Truth) -> None:
        """Raise KitError where the metric takes no such truth, before there are answers to score."""
        self.prepare(truth, truth[:, None] if self.form == "ranked" else truth)

    def better(self, new: float, old: float) -> bool:
        """Is `new` strictly better than `old`? Anything is better than nan, nan than nothing."""
        if np.isnan(old):
            return not np.isnan(new)
        return new > old if self.higher_is_better else new < old

    def gain(self, new: float, old: float) -> float:
        """How much better `new` is than `old`; negative when it is worse."""
        return new - old if self.higher_is_better else old - new

    def remarks(self, truth: Truth, names: Sequence[str]) -> list[str]:
        """A sentence for each thing that has no score: a column of one value, an absent class.

        Args:
            truth: as `score` takes it.
            names: of its columns, classes or labels, in their order.
        """
        if len(truth) == 0:
            return ["there are no rows to score"]
        return self.undefined(truth, names)


def known(truth: Truth) -> npt.NDArray[np.bool_]:
    """The rows [N] whose truth has no missing cell."""
    if truth.dtype.kind != "f":
        return np.ones(len(truth), dtype=bool)
    return np.asarray(~np.isnan(as_columns(truth)).any(axis=1))


def scored_rows(truth: Truth, weights: Weights | None = None) -> int:
    """How many rows [N] count: those with a cell that is not missing, and a weight above 0."""
    there = np.ones(len(truth), dtype=bool) if weights is None else weights > 0
    if truth.dtype.kind == "f":
        there = there & ~np.isnan(as_columns(truth)).all(axis=1)
    return int(there.sum())


def ratio(above: float, below: float) -> float:
    """A division that gives nan where there is nothing to divide by."""
    return float(above / below) if below else float("nan")


def mean_of_rows(
    rows: Callable[[Truth, Answers], RowScores], truth: Truth, answers: Answers
) -> Scorer:
    """The `prepare` of a metric that is the weighted mean of `rows`."""
    there = known(truth)
    scores = rows(truth, answers)[there]

    def scorer(weights: Weights) -> float:
        kept = weights[there]
        return ratio(float(kept @ scores), float(kept.sum()))

    return scorer


def mean_over(scores: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> float:
    """The weighted mean of the scores that are defined; nan without any."""
    there = ~np.isnan(scores) & (weights > 0)
    return ratio(float(scores[there] @ weights[there]), float(weights[there].sum()))


def as_columns(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """float64 [N, K] of numbers [N] or [N, K]."""
    columns = np.asarray(values, dtype=np.float64)
    return columns[:, None] if columns.ndim == 1 else columns


def weights_of(
    name: str, given: Sequence[float], count: int, what: str = "columns"
) -> npt.NDArray[np.float64]:
    """One weight for each of `count` columns: those after the metric's colon, else 1 each."""
    if not given:
        return np.ones(count)
    if len(given) != count:
        columns = "is 1 column" if count == 1 else f"are {count} {what}"
        raise KitError(f"{name} names {len(given)} weights, and there {columns}")
    return np.asarray(given, dtype=np.float64)


def check_binary(name: str, truth: npt.NDArray[np.float64]) -> None:
    """Raise KitError unless the truth is 0, 1 or missing."""
    other = truth[~np.isnan(truth) & (truth != 0) & (truth != 1)]
    if other.size:
        raise KitError(f"{name} takes a truth of 0 and 1, and there is {other[0]:g}")
