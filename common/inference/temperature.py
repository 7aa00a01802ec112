"""Temperature scaling: probs to better calibrated probs by one number, fitted on held-out rows.

Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks" (2017): p^(1/T),
normalised. T > 1 flattens, T < 1 sharpens; the argmax does not change.

Test rows are predicted by the mean of the fold models, which is flatter than the single models that
the temperature is fitted on. So on test rows it flattens slightly too much, and no labelled rows are
left to measure by how much.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from common.inference.evaluator import Evaluator, Weights
from common.metrics import FLOOR, Probs
from common.targets import Target, Targets

UNIFORM = ("log_loss", "weighted_log_loss")  # so named, without weights of columns
MIN_T, MAX_T = 1 / 20, 20.0  # bounds: with no row misclassified, T would go to 0


def apply_temperature(probs: Probs, temperature: float) -> Probs:
    """Probs [N, C] to p^(1/T), each row normalised: float32 [N, C], computed in float64 logs."""
    return _softmax(_logs(probs) / temperature).astype(np.float32)


def fit_temperature(probs: Probs, targets: Targets, weights: Weights | None = None) -> float:
    """The temperature in [1/20, 20] that minimises the log loss of probs [N, C], rows by `weights` [N].

    The loss is convex in 1/T: Newton's method on its derivative, bisecting where a step leaves the
    bracket.
    """
    logs = _logs(probs)
    own = logs[np.arange(len(logs)), targets]
    low, high = 1 / MAX_T, 1 / MIN_T
    for end, beyond in ((low, 1), (high, -1)):
        if beyond * _slope(logs, own, end, weights)[0] >= 0:
            return 1 / end
    inverse = 1.0
    for _ in range(100):
        slope, curve = _slope(logs, own, inverse, weights)
        low, high = (low, inverse) if slope > 0 else (inverse, high)
        new = inverse - slope / curve if curve > 0 else low
        new = new if low < new < high else (low + high) / 2
        if abs(new - inverse) < 1e-9 * inverse:
            break
        inverse = new
    return 1 / inverse


def fit_for(evaluator: Evaluator, probs: Probs, y: Targets, weights: Weights | None) -> float:
    """The temperature of these rows; of a target of several yes and no, one for all of its cells.

    A metric that is a log loss in which columns or classes weigh differently is minimised itself: it, too,
    is convex in 1/T.
    """
    target = evaluator.target
    if "log_loss" in evaluator.name and evaluator.name not in UNIFORM:
        return _least(lambda t: evaluator.cost(apply_for(target, probs, t), y, weights))
    if target.exclusive:
        return fit_temperature(probs, y, weights)
    cells = None if weights is None else np.repeat(weights, probs.shape[1])
    return fit_temperature(_two_classes(probs), y.ravel().astype(np.int64), cells)


def apply_for(target: Target, probs: Probs, temperature: float) -> Probs:
    """Probs [N, C] at a temperature, as the target's kind understands them."""
    if target.exclusive:
        return apply_temperature(probs, temperature)
    return apply_temperature(_two_classes(probs), temperature)[:, 1].reshape(probs.shape)


def _two_classes(probs: Probs) -> Probs:
    """Chances of yes in cells [N, K] as rows [N * K, 2] of no and yes."""
    return np.stack([1 - probs.ravel(), probs.ravel()], axis=1)


def _logs(probs: Probs) -> npt.NDArray[np.float64]:
    # log(0) is -inf: clip at the log loss's own floor.
    return np.asarray(np.log(np.maximum(probs.astype(np.float64), FLOOR)))


def _softmax(logs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _slope(
    logs: npt.NDArray[np.float64],
    own: npt.NDArray[np.float64],
    inverse: float,
    weights: Weights | None,
) -> tuple[float, float]:
    """First and second derivative of the weighted mean log loss with respect to 1/T."""
    probs = _softmax(logs * inverse)
    mean = (probs * logs).sum(axis=1)
    square = (probs * logs**2).sum(axis=1)
    slope, curve = (np.average(each, weights=weights) for each in (mean - own, square - mean**2))
    return float(slope), float(curve)


def _least(cost: Callable[[float], float]) -> float:
    """The temperature of the least cost, which is convex in 1/T."""
    found = minimize_scalar(
        lambda inverse: cost(1 / inverse),
        bounds=(1 / MAX_T, 1 / MIN_T),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(1 / found.x)
