"""Cluster bootstrap: row-wise score differences of two runs to a 95 % confidence interval."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.metrics import RowScores
from common.progress import tracked

RESAMPLES = 2_000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean difference and its 95 % bootstrap confidence interval."""

    gain: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """As text: '+0.0120 [-0.0030, +0.0270]'."""
        return f"{self.gain:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


def paired_interval(gains: RowScores, groups: npt.ArrayLike, *, seed: int = 0) -> Interval:
    """Per-row gains [N] to their mean and its percentile interval (Efron, 1979).

    A cluster bootstrap: whole groups [N] are resampled, since rows of a group are not independent.
    """
    codes, names = pd.factorize(np.asarray(groups))
    sums = np.bincount(codes, weights=gains)
    sizes = np.bincount(codes)
    generator = np.random.default_rng(seed)
    means = np.empty(RESAMPLES)
    for number in tracked(range(RESAMPLES), "bootstrap", "resamples"):
        drawn = generator.integers(0, len(names), len(names))
        means[number] = sums[drawn].sum() / sizes[drawn].sum()
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(gains.mean()), float(low), float(high))
