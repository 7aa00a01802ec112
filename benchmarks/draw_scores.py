"""A small draw's out-of-fold score beside its hidden one, and the interval of their difference.

The out-of-fold errors of small draws depend on one another, as each row trains the models of the others
(Bates, Hastie and Tibshirani, 2024): rows resampled under given models leave that out. So the interval
is a delete-a-group jackknife (Kott, 2001): all folds are trained again without each block of rows. Its
variance is too large rather than too small (Efron and Stein, 1981), where thresholds are fitted above all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from benchmarks.small_draws import Draw
from common.data.folds import Rows
from common.inference.bootstrap import CONFIDENCE, ScoredRows, resampled
from common.inference.decisions import DECISIONS, kind_for
from common.inference.evaluator import Evaluator
from common.inference.fitting import decided
from common.inference.out_of_fold import pooled
from common.metrics import Probs, metric_named

RESAMPLED = 500  # times for an interval, of which there are hundreds here
T_QUANTILE = 2.262  # Student's t, 97.5 %, a degree of freedom less than there are blocks


@dataclass(frozen=True)
class Scores:
    """A draw by one metric: with the decision that the metric asks for, and without.

    `honest` judges each fold by values of the other ones, `in_sample` by its own; `hidden` is the mean of
    the fold models' scores, `plain` and `plain_hidden` are without a decision. `low` and `high` bound
    the difference of honest and hidden score; `by_rows` bound it by resampled rows under given models.
    """

    plain: float
    honest: float
    in_sample: float
    hidden: float
    plain_hidden: float
    low: float
    high: float
    by_rows: tuple[float, float]

    @property
    def holds(self) -> bool:
        """Is the hidden score one that the out-of-fold score allows?"""
        return self.low <= 0 <= self.high

    @property
    def holds_by_rows(self) -> bool:
        """Is it one that resampled rows allow?"""
        return self.by_rows[0] <= 0 <= self.by_rows[1]


def scores(draw: Draw, metric: str) -> Scores:
    """Score a draw by a metric, with the decision that it asks for, fitted out-of-fold."""
    evaluator = Evaluator(draw.target, metric_named(metric))
    mine, in_sample = _decided(draw, evaluator)
    rows, probs = pooled(mine.folds, len(draw.y))
    seen = _resampled(evaluator, mine, rows, [probs], seed=0)
    unseen = _resampled(evaluator, mine, draw.hidden, mine.models, seed=1)
    gap = seen[0] - unseen[0]
    without = [_decided(each, evaluator)[0] for each in draw.without]
    gaps = np.array([_pooled(evaluator, each) - _hidden(evaluator, each) for each in without])
    jackknifed = (len(gaps) - 1) * gaps.var()
    half = T_QUANTILE * np.sqrt(jackknifed + np.nanvar(unseen[1:]))
    tail = (1 - CONFIDENCE) / 2
    by_rows = np.nanquantile(seen[1:] - unseen[1:], [tail, 1 - tail])
    return Scores(
        plain=_pooled(evaluator, draw),
        honest=seen[0],
        in_sample=in_sample,
        hidden=unseen[0],
        plain_hidden=_hidden(evaluator, draw),
        low=gap - half,
        high=gap + half,
        by_rows=(by_rows[0], by_rows[1]),
    )


def _decided(draw: Draw, evaluator: Evaluator) -> tuple[Draw, float]:
    """The draw with the decision that the metric asks for, and its in-sample score."""
    kind = kind_for("auto", evaluator)
    if kind == "none":
        return draw, _pooled(evaluator, draw)
    fitted = decided(draw.folds, draw.y, draw.groups, evaluator, kind=kind)
    apply = DECISIONS[kind].apply
    models = [apply(draw.target, probs, fitted.values) for probs in draw.models]
    return replace(draw, folds=fitted.folds, models=models), fitted.facts["in_sample"]


def _pooled(evaluator: Evaluator, draw: Draw) -> float:
    rows, probs = pooled(draw.folds, len(draw.y))
    return evaluator.score(probs, draw.y[rows])


def _hidden(evaluator: Evaluator, draw: Draw) -> float:
    truth = draw.y[draw.hidden]
    return float(np.mean([evaluator.score(each, truth) for each in draw.models]))


def _resampled(
    evaluator: Evaluator, draw: Draw, rows: Rows, models: Sequence[Probs], *, seed: int
) -> npt.NDArray[np.float64]:
    runs = [ScoredRows.of(evaluator, probs, draw.y[rows]) for probs in models]
    return resampled(runs, draw.groups[rows], None, seed, RESAMPLED)
