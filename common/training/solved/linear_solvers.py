"""Linear heads solved to the optimum: logistic, ridge and support vector regression, SVM, shrinkage LDA.

Each takes training rows in principal coordinates and gives a layer for every penalty of a grid, from
the strongest on. A layer is unfolded to the features that it was fitted on.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from common.training.solved.principal import Array, Layer, Principal

ITERATIONS = 2000
EPSILON = 0.1  # standard deviations of an answer that cost support vector regression nothing
# Outputs and targets [N, O] to the loss summed over all, and its gradient by the outputs.
Loss = Callable[[Array, Array], tuple[float, Array]]


def logistic_path(
    rows: Principal, targets: npt.NDArray[np.float64], strengths: Sequence[float], *, one_of: bool
) -> Iterator[Layer]:
    """Multinomial (`one_of`), or a logistic regression for each column; `strengths` are scikit-learn's C.

    The L-BFGS of each starts where the one before ended, in variables whose curvature is about 1.

    Args:
        targets: [N, O] of 0 and 1. A column without a 0 or without a 1 gets a bias alone, as half a row
            that has it would make it.
    """
    count, yes = len(targets), targets.sum(axis=0)
    open_columns = (yes > 0) if one_of else (yes > 0) & (yes < count)
    y, outputs = targets, int(open_columns.sum())
    if outputs < len(yes):
        y = targets[:, open_columns]
    share = (yes[open_columns] / count).mean() if one_of else 0.5
    curvature = max(share * (1 - share), 1e-3)
    start = np.zeros((outputs, len(rows.variances) + 1))
    loss = partial(_losses, one_of=one_of)
    for strength in strengths:
        start = _optimum(rows, y, start, 1 / (strength * count), curvature, loss)
        yield _whole(start, rows, yes, open_columns, one_of=one_of)


def _optimum(
    rows: Principal,
    y: Array,
    start: Array,
    decay: float,
    curvature: float,
    loss: Loss,
    tolerance: float = 1.0,
) -> Array:
    """The layer [O, R + 1] (bias last) of the least mean loss + decay / 2 · squared weights.

    `tolerance` is a share of the usual one, of the slope and of the gain of a step.
    """
    count = len(y)
    steps = 1 / np.sqrt(np.append(curvature * rows.variances + decay, curvature))

    def objective(flat: Array) -> tuple[float, Array]:
        layer = flat.reshape(start.shape) * steps
        weight, bias = layer[:, :-1], layer[:, -1]
        logits = rows.x @ weight.T.astype(rows.x.dtype) + bias
        total, residuals = loss(logits, y)
        moved = residuals.T.astype(rows.x.dtype) @ rows.x
        gradient = np.column_stack([moved, residuals.sum(axis=0)]) / count
        gradient[:, :-1] += decay * weight
        return total / count + decay / 2 * float((weight**2).sum()), (gradient * steps).ravel()

    limits = {"maxiter": ITERATIONS, "maxfun": 2 * ITERATIONS}
    settings = {**limits, "gtol": 1e-5 * tolerance, "ftol": 1e-9 * tolerance}
    begin = (start / steps).ravel()
    found = minimize(objective, begin, jac=True, method="L-BFGS-B", options=settings)
    layer: Array = found.x.reshape(start.shape) * steps
    return layer


def _losses(logits: Array, y: Array, one_of: bool) -> tuple[float, Array]:
    """The summed cross-entropy, of a softmax or of each sigmoid, and its gradient by the logits.

    Of a softmax, a row counts as much as its shares of classes sum to; its gradient is written over the
    logits, as of many rows and classes each such array is large.
    """
    if one_of:
        counts = y.sum(axis=1, keepdims=True)
        logits -= logits.max(axis=1, keepdims=True)
        given = float(np.vdot(logits, y))
        np.exp(logits, out=logits)
        sums = logits.sum(axis=1, keepdims=True)
        logits *= counts / sums
        logits -= y
        return float((counts * np.log(sums)).sum()) - given, logits
    loss = float((np.logaddexp(0, logits) - logits * y).sum())
    return loss, 1 / (1 + np.exp(-logits)) - y


def _whole(
    layer: Array, rows: Principal, yes: Array, open_columns: npt.NDArray[np.bool_], *, one_of: bool
) -> Layer:
    """The solved columns and, for the others, no weight and a bias that half a row makes."""
    count, weight = len(rows.part), np.zeros((len(yes), len(rows.variances)))
    bias = np.log((yes + 0.5) / (count - yes + 0.5))
    if one_of and not open_columns.all():
        logits = rows.x @ layer[:, :-1].T.astype(rows.x.dtype) + layer[:, -1]
        top = logits.max(axis=1)
        mean = float((top + np.log(np.exp(logits - top[:, None]).sum(axis=1))).mean())
        bias = np.minimum(bias + mean, top.min())  # so that it wins no training row
    weight[open_columns], bias[open_columns] = layer[:, :-1], layer[:, -1]
    return weight, bias


def svm_path(
    rows: Principal, targets: Array, strengths: Sequence[float], *, one_of: bool
) -> Iterator[Layer]:
    """A linear SVM for each column of targets [N, O], shares of yes from 0 to 1; `strengths` are C.

    The objective is that of scikit-learn's LinearSVC, squared hinge, but for the bias, which it penalises.
    With `one_of`, a class without a row lies a margin below the mean of the others, so that it never wins.
    """
    seen = targets.any(axis=0)
    for weight, bias in _margin_path(rows, targets, strengths, _squared_hinge):
        if one_of and not seen.all():
            weight, bias = weight.copy(), bias.copy()  # from where the next penalty starts
            weight[~seen], bias[~seen] = weight[seen].mean(axis=0), bias[seen].mean() - 1
        yield weight, bias


def svr_path(rows: Principal, targets: Array, strengths: Sequence[float]) -> Iterator[Layer]:
    """Support vector regression of each column of targets [N, O], standardised; `strengths` are C.

    The objective is that of scikit-learn's LinearSVR, squared and insensitive to `EPSILON`, but for the bias.
    """
    mean, spread = targets.mean(axis=0), targets.std(axis=0)
    spread[spread == 0] = 1
    for weight, bias in _margin_path(rows, (targets - mean) / spread, strengths, _squared_tube):
        yield weight * spread[:, None], bias * spread + mean


def _margin_path(
    rows: Principal, targets: Array, strengths: Sequence[float], loss: Loss
) -> Iterator[Layer]:
    layer = np.zeros((targets.shape[1], len(rows.variances) + 1))
    for strength in strengths:
        decay = 1 / (2 * strength * len(targets))
        # Margins that are all but kept leave a loss far below 1.
        layer = _optimum(rows, targets, layer, decay, 1.0, loss, tolerance=0.1)
        yield layer[:, :-1], layer[:, -1]


def _squared_hinge(outputs: Array, y: Array) -> tuple[float, Array]:
    """Half the squares of what outputs lack to 1, and of what they are above -1, by the shares of yes and no."""
    lacks, beyond = np.maximum(0, 1 - outputs), np.maximum(0, 1 + outputs)
    slope = (1 - y) * beyond - y * lacks
    return float(np.vdot((1 - y) * beyond, beyond) + np.vdot(y * lacks, lacks)) / 2, slope


def _squared_tube(outputs: Array, y: Array) -> tuple[float, Array]:
    """Half the squares of what outputs are further from y than `EPSILON`."""
    away = outputs - y
    away -= np.clip(away, -EPSILON, EPSILON)
    return float(np.vdot(away, away)) / 2, away


def ridge_path(rows: Principal, targets: Array, penalties: Sequence[float]) -> Iterator[Layer]:
    """Least squares [N, O] with a squared penalty on the weights, not on the bias (scikit-learn's alpha)."""
    mean, spread = targets.mean(axis=0), rows.variances * len(targets)
    products = rows.products(targets - mean)
    for penalty in penalties:
        yield (products / (spread + penalty)[:, None]).T, mean


def lda_path(
    rows: Principal, classes: npt.NDArray[np.int64], outputs: int, shrinkages: Sequence[float]
) -> Iterator[Layer]:
    """Linear discriminant analysis whose covariance is drawn towards a sphere of the same trace.

    Args:
        classes: [N], each below `outputs`. A class without a row counts as half a row, as far away as the
            others are on average: before outputs are scaled it is nowhere likelier than half a row
            (Gibbs' inequality), after it never the likeliest.
        shrinkages: the share of the sphere, above 0, up to 1.
    """
    counts = np.bincount(classes, minlength=outputs)
    means = rows.products(np.eye(outputs)[classes]).T / np.maximum(counts, 1)[:, None]
    # The covariance within classes is that of all rows, in which the coordinates are uncorrelated, less
    # that of the classes' means; so its inverse takes a system of as many equations as classes (Woodbury).
    shares = counts / len(classes)
    total = float(rows.variances.sum())
    within = max(total - float((means**2).sum(axis=1) @ shares), 1e-3 * total)  # one row a class: 0
    prior = np.log(np.maximum(counts, 0.5) / len(classes))
    for shrinkage in shrinkages:
        sphere = shrinkage * within / len(rows.basis)
        scaled = means / ((1 - shrinkage) * rows.variances + sphere)
        gram = scaled @ means.T
        inner = np.eye(outputs) - (1 - shrinkage) * gram * shares
        weight = np.asarray(np.linalg.solve(inner, scaled), np.float64)
        away = (weight * means).sum(axis=1) / 2
        yield weight, prior - np.where(counts > 0, away, shares @ away)
