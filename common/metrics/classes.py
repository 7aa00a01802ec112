"""Today's two metrics of one class of C: probs [N, C] in, target indices [N]; on its way out.

Its callers are moving to `common.metrics.registry`; nothing new may use it. Every metric here is the
mean of what its rows score.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Probs = npt.NDArray[np.float32]
Targets = npt.NDArray[np.int64]
RowScores = npt.NDArray[np.float64]
FLOOR = 1e-15  # Kaggle clips the probabilities of its log loss here


@dataclass(frozen=True)
class Metric:
    """A metric: the mean of its row scores `rows` [N], and whether higher is better."""

    name: str
    higher_is_better: bool
    rows: Callable[[Probs, Targets], RowScores]

    def score(self, probs: Probs, targets: Targets) -> float:
        """The score of these rows."""
        return float(self.rows(probs, targets).mean())

    def better(self, new: float, old: float) -> bool:
        """Is `new` strictly better than `old`? Any number is better than nan."""
        if np.isnan(old):
            return not np.isnan(new)
        return new > old if self.higher_is_better else new < old

    def gain(self, new: float, old: float) -> float:
        """How much better `new` is than `old`; negative if worse."""
        return new - old if self.higher_is_better else old - new


def hits(probs: Probs, targets: Targets) -> RowScores:
    """1 for each row whose largest probability is the target's, else 0."""
    return np.asarray(probs.argmax(axis=1) == targets, dtype=np.float64)


def losses(probs: Probs, targets: Targets) -> RowScores:
    """Each row's log loss as Kaggle computes it: normalised, then clipped to [FLOOR, 1 - FLOOR]."""
    rows = probs.astype(np.float64)
    rows = rows / rows.sum(axis=1, keepdims=True)
    picked = np.clip(rows[np.arange(len(rows)), targets], FLOOR, 1 - FLOOR)
    return np.asarray(-np.log(picked))


def accuracy(probs: Probs, targets: Targets) -> float:
    """Share of rows whose largest probability is the target's."""
    return float(hits(probs, targets).mean())


def log_loss(probs: Probs, targets: Targets) -> float:
    """Multi-class log loss: the mean of `losses`."""
    return float(losses(probs, targets).mean())


METRICS = {
    metric.name: metric
    for metric in (
        Metric("accuracy", higher_is_better=True, rows=hits),
        Metric("log_loss", higher_is_better=False, rows=losses),
    )
}
