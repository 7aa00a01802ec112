"""Temperature scaling: one number that makes probabilities mean what they say.

Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks" (2017): p^(1/T),
normalised. T > 1 flattens, T < 1 sharpens; the most probable class stays what it was.

Test rows are predicted by the mean of the fold models, which is flatter than the single models
that the temperature is fitted on: on them it flattens a little more than would be best, and no
labelled row is left to measure by how much.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from common.data.folds import Rows
from common.inference.crossfit import halves
from common.inference.out_of_fold import Judged, pooled
from common.metrics import FLOOR, Metric, Probs, Targets, log_loss

LOWEST, HIGHEST = 1 / 20, 20.0  # where no row is ever wrong, sharper would be better for ever


def tempered(probs: Probs, temperature: float) -> Probs:
    """p^(1/T), each row normalised: float32 [N, C]; computed in float64, from logarithms."""
    return _softmax(_logs(probs) / temperature).astype(np.float32)


def fit_temperature(probs: Probs, targets: Targets) -> float:
    """The temperature of the least log loss on these rows, within 1/20 and 20.

    The loss is convex in 1/T: Newton's steps on its slope, halving the bracket where they leave it.
    """
    logs = _logs(probs)
    own = logs[np.arange(len(logs)), targets]
    low, high = 1 / HIGHEST, 1 / LOWEST
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
class Calibrated:
    """Folds with calibrated probs; the temperature for test rows, and what `scores.json` notes."""

    folds: list[Judged]
    temperature: float
    facts: dict[str, Any]


def calibrated(
    folds: Sequence[Judged], targets: Targets, groups: npt.ArrayLike, metric: Metric
) -> Calibrated:
    """Every fold's probs at a temperature fitted on rows that are not its own.

    A single hold-out is halved, and each half takes the other's temperature. `temperature` itself
    is fitted on all held-out rows; `targets` and `groups` are those of the whole table.
    """
    if len(folds) == 1:
        fold, sides = folds[0], halves(targets[folds[0].rows], np.asarray(groups)[folds[0].rows])
        parts = [np.flatnonzero(sides == side) for side in (0, 1)]
        pieces = [Judged(fold.rows[part], fold.probs[part]) for part in parts]
        done, used = _crossfitted(pieces, targets)
        probs = np.empty_like(fold.probs)
        for part, piece in zip(parts, done, strict=True):
            probs[part] = piece.probs
        done = [Judged(fold.rows, probs)]
    else:
        done, used = _crossfitted(folds, targets)
    temperature = _fitted(folds, targets, but=np.zeros(0, dtype=np.int64))
    return Calibrated(
        done,
        temperature,
        {
            "kind": "temperature",
            "temperature": temperature,
            "fold_temperatures": used,
            "before": _scored(folds, targets, metric),
            "after": _scored(done, targets, metric),
        },
    )


def _crossfitted(folds: Sequence[Judged], targets: Targets) -> tuple[list[Judged], list[float]]:
    used = [
        _fitted([other for other in folds if other is not fold], targets, but=fold.rows)
        for fold in folds
    ]
    pairs = zip(folds, used, strict=True)
    return [Judged(fold.rows, tempered(fold.probs, each)) for fold, each in pairs], used


def _fitted(folds: Sequence[Judged], targets: Targets, *, but: Rows) -> float:
    """The temperature of these folds' rows; those that another repeat shares with `but` sit out."""
    kept = [~np.isin(fold.rows, but) for fold in folds]
    rows = np.concatenate([fold.rows[keep] for fold, keep in zip(folds, kept, strict=True)])
    probs = np.concatenate([fold.probs[keep] for fold, keep in zip(folds, kept, strict=True)])
    return fit_temperature(probs, targets[rows])


def _scored(folds: Sequence[Judged], targets: Targets, metric: Metric) -> dict[str, float]:
    rows, probs = pooled(folds, len(targets))
    found = {"log_loss": log_loss(probs, targets[rows])}
    return found | {metric.name: metric.score(probs, targets[rows])}


def _logs(probs: Probs) -> npt.NDArray[np.float64]:
    # A probability of 0 has no logarithm: it counts as what the log loss clips it to.
    return np.asarray(np.log(np.maximum(probs.astype(np.float64), FLOOR)))


def _softmax(logs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _slope(
    logs: npt.NDArray[np.float64], own: npt.NDArray[np.float64], inverse: float
) -> tuple[float, float]:
    """First and second derivative of the mean log loss by 1/T."""
    weights = _softmax(logs * inverse)
    mean = (weights * logs).sum(axis=1)
    square = (weights * logs**2).sum(axis=1)
    return float((mean - own).mean()), float((square - mean**2).mean())
