"""Temperature scaling: fit one temperature on held-out probs, evaluated by cross-fitting.

Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks" (2017): p^(1/T),
normalised. T > 1 flattens, T < 1 sharpens; the argmax does not change.

Test rows are predicted by the mean of the fold models, which is flatter than the single models that
the temperature is fitted on. So on test rows it flattens slightly too much, and no labelled rows are
left to measure by how much.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from common.data.folds import Rows
from common.inference.crossfit import halves
from common.inference.out_of_fold import FoldProbs, pooled
from common.metrics import FLOOR, Metric, Probs, Targets, log_loss

MIN_T, MAX_T = 1 / 20, 20.0  # bounds: with no row misclassified, T would go to 0


def apply_temperature(probs: Probs, temperature: float) -> Probs:
    """Probs [N, C] to p^(1/T), each row normalised: float32 [N, C], computed in float64 logs."""
    return _softmax(_logs(probs) / temperature).astype(np.float32)


def fit_temperature(probs: Probs, targets: Targets) -> float:
    """The temperature in [1/20, 20] that minimises the log loss of probs [N, C].

    The loss is convex in 1/T: Newton's method on its derivative, bisecting where a step leaves the
    bracket.
    """
    logs = _logs(probs)
    own = logs[np.arange(len(logs)), targets]
    low, high = 1 / MAX_T, 1 / MIN_T
    for end, beyond in ((low, 1), (high, -1)):
        if beyond * _slope(logs, own, end)[0] >= 0:
            return 1 / end
    inverse = 1.0
    for _ in range(100):
        slope, curve = _slope(logs, own, inverse)
        low, high = (low, inverse) if slope > 0 else (inverse, high)
        new = inverse - slope / curve if curve > 0 else low
        new = new if low < new < high else (low + high) / 2
        if abs(new - inverse) < 1e-9 * inverse:
            break
        inverse = new
    return 1 / inverse


@dataclass(frozen=True)
class Calibration:
    """Folds with cross-fitted probs, the temperature for test rows, the entry of `scores.json`."""

    folds: list[FoldProbs]
    temperature: float
    summary: dict[str, Any]


def calibrate_folds(
    folds: Sequence[FoldProbs], targets: Targets, groups: npt.ArrayLike, metric: Metric
) -> Calibration:
    """Calibrate each fold's probs with a temperature fitted on the other folds (cross-fitting).

    A single hold-out is split in two halves, which calibrate each other. The returned `temperature`
    is fitted on all held-out rows. `targets` and `groups` [N] are the whole table's.
    """
    if len(folds) == 1:
        fold, sides = folds[0], halves(targets[folds[0].rows], np.asarray(groups)[folds[0].rows])
        parts = [np.flatnonzero(sides == side) for side in (0, 1)]
        half_folds = [FoldProbs(fold.rows[part], fold.probs[part]) for part in parts]
        calibrated, used = _cross_fitted(half_folds, targets)
        probs = np.empty_like(fold.probs)
        for part, half in zip(parts, calibrated, strict=True):
            probs[part] = half.probs
        calibrated = [FoldProbs(fold.rows, probs)]
    else:
        calibrated, used = _cross_fitted(folds, targets)
    temperature = _fitted(folds, targets, excluded=np.zeros(0, dtype=np.int64))
    return Calibration(
        calibrated,
        temperature,
        {
            "kind": "temperature",
            "temperature": temperature,
            "fold_temperatures": used,
            "before": _summary(folds, targets, metric),
            "after": _summary(calibrated, targets, metric),
        },
    )


def _cross_fitted(
    folds: Sequence[FoldProbs], targets: Targets
) -> tuple[list[FoldProbs], list[float]]:
    used = [
        _fitted([other for other in folds if other is not fold], targets, excluded=fold.rows)
        for fold in folds
    ]
    pairs = zip(folds, used, strict=True)
    return [FoldProbs(fold.rows, apply_temperature(fold.probs, each)) for fold, each in pairs], used


def _fitted(folds: Sequence[FoldProbs], targets: Targets, *, excluded: Rows) -> float:
    """Fit the temperature on these folds' rows without the `excluded` rows (shared by repeats)."""
    kept = [~np.isin(fold.rows, excluded) for fold in folds]
    rows = np.concatenate([fold.rows[keep] for fold, keep in zip(folds, kept, strict=True)])
    probs = np.concatenate([fold.probs[keep] for fold, keep in zip(folds, kept, strict=True)])
    return fit_temperature(probs, targets[rows])


def _summary(folds: Sequence[FoldProbs], targets: Targets, metric: Metric) -> dict[str, float]:
    rows, probs = pooled(folds, len(targets))
    found = {"log_loss": log_loss(probs, targets[rows])}
    return found | {metric.name: metric.score(probs, targets[rows])}


def _logs(probs: Probs) -> npt.NDArray[np.float64]:
    # log(0) is -inf: clip at the log loss's own floor.
    return np.asarray(np.log(np.maximum(probs.astype(np.float64), FLOOR)))


def _softmax(logs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _slope(
    logs: npt.NDArray[np.float64], own: npt.NDArray[np.float64], inverse: float
) -> tuple[float, float]:
    """First and second derivative of the mean log loss with respect to 1/T."""
    weights = _softmax(logs * inverse)
    mean = (weights * logs).sum(axis=1)
    square = (weights * logs**2).sum(axis=1)
    return float((mean - own).mean()), float((square - mean**2).mean())
