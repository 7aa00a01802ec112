"""Cluster bootstrap: the difference of two runs' scores to a 95 % confidence interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.inference.evaluator import Evaluator, Weights
from common.metrics import Probs, RowScores, Scorer
from common.progress import tracked
from common.targets import Targets

RESAMPLES = 2_000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean difference and its 95 % bootstrap confidence interval; nan at both ends where there is none."""

    gain: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """As text: '+0.0120 [-0.0030, +0.0270]', or '+0.0120 [no interval]'."""
        if np.isnan(self.low):
            return f"{self.gain:+.4f} [no interval]"
        return f"{self.gain:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


def paired_interval(gains: RowScores, groups: npt.ArrayLike, *, seed: int = 0) -> Interval:
    """Per-row gains [N] to their mean and its percentile interval (Efron, 1979).

    A cluster bootstrap: whole groups [N] are resampled, since rows of a group are not independent. Rows of
    a single group have no interval.
    """
    codes, names = pd.factorize(np.asarray(groups))
    if len(names) < 2:
        return Interval(float(gains.mean()), np.nan, np.nan)
    sums = np.bincount(codes, weights=gains)
    sizes = np.bincount(codes)
    generator = np.random.default_rng(seed)
    means = np.empty(RESAMPLES)
    for number in tracked(range(RESAMPLES), "bootstrap", "resamples"):
        drawn = generator.integers(0, len(names), len(names))
        means[number] = sums[drawn].sum() / sizes[drawn].sum()
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(gains.mean()), float(low), float(high))


@dataclass(frozen=True)
class ScoredRows:
    """Probs [N, C] of rows with true answers, as a scorer of row weights and, where there are any, row scores."""

    scorer: Scorer
    rows: RowScores | None

    @classmethod
    def of(cls, evaluator: Evaluator, probs: Probs, y: Targets) -> "ScoredRows":
        """Score probs once, for any number of weightings."""
        return cls(evaluator.scorer(probs, y), evaluator.rows(probs, y))


def gain_interval(
    new: Sequence[ScoredRows],
    old: Sequence[ScoredRows],
    groups: npt.ArrayLike,
    *,
    higher_is_better: bool,
    weights: Weights | None = None,
    seed: int = 0,
) -> Interval:
    """How much better `new` scores than `old`, each the mean over some runs, with its interval.

    Where the score is a plain mean over rows the rows' differences are resampled; else a row counts
    its weight times the draws of its group. Draws without a score (no positive row) are left out.
    """
    sign = 1 if higher_is_better else -1
    rows = [[each.rows for each in runs if each.rows is not None] for runs in (new, old)]
    if weights is None and all(rows):
        mean, before = (np.mean(each, axis=0) for each in rows)
        return paired_interval(sign * (mean - before), groups, seed=seed)
    draws = sign * (resampled(new, groups, weights, seed) - resampled(old, groups, weights, seed))
    gain, draws = float(draws[0]), draws[1:][~np.isnan(draws[1:])]
    if not len(draws):
        return Interval(gain, np.nan, np.nan)
    low, high = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(gain, float(low), float(high))


def resampled(
    runs: Sequence[ScoredRows],
    groups: npt.ArrayLike,
    weights: Weights | None,
    seed: int = 0,
    count: int = RESAMPLES,
) -> npt.NDArray[np.float64]:
    """The mean score of some runs of the same rows: as they are, then in `count` resamples of whole groups.

    Of a single group there are no resamples.
    """
    codes, names = pd.factorize(np.asarray(groups))
    base = np.ones(len(codes)) if weights is None else weights
    generator = np.random.default_rng(seed)
    scores = [float(np.mean([each.scorer(base) for each in runs]))]
    for _ in tracked(range(count if len(names) > 1 else 0), "bootstrap", "resamples"):
        drawn = np.bincount(generator.integers(0, len(names), len(names)), minlength=len(names))
        scores.append(float(np.mean([each.scorer(base * drawn[codes]) for each in runs])))
    return np.array(scores)
