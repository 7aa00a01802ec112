"""Competition metrics: each takes probs [N, C] and target indices [N], and knows its direction."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Probs = npt.NDArray[np.float32]
Targets = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Metric:
    """A named score; `higher_is_better` says which of two runs won."""

    name: str
    higher_is_better: bool
    score: Callable[[Probs, Targets], float]

    def better(self, new: float, old: float) -> bool:
        """Is `new` strictly better than `old`? Anything is better than nan, nan than nothing."""
        if np.isnan(old):
            return not np.isnan(new)
        return new > old if self.higher_is_better else new < old


def accuracy(probs: Probs, targets: Targets) -> float:
    """Share of rows whose largest probability is the target's."""
    return float((probs.argmax(axis=1) == targets).mean())


def log_loss(probs: Probs, targets: Targets, floor: float = 1e-15) -> float:
    """Multi-class log loss as Kaggle computes it: rows normalised, then clipped to [floor, 1 - floor]."""
    rows = probs.astype(np.float64)
    rows = rows / rows.sum(axis=1, keepdims=True)
    picked = np.clip(rows[np.arange(len(rows)), targets], floor, 1 - floor)
    return float(-np.log(picked).mean())


METRICS = {
    metric.name: metric
    for metric in (
        Metric("accuracy", higher_is_better=True, score=accuracy),
        Metric("log_loss", higher_is_better=False, score=log_loss),
    )
}
