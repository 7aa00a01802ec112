"""Every metric against scikit-learn, or a plain reading of its definition, on random cases."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from common.metrics.registry import NAMES, metric_named

Case = tuple[Any, Any]
Draw = Callable[[np.random.Generator, int], Case]
Reference = Callable[[Any, Any, Any], float]
NAN = float("nan")


def tied(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    return rng.integers(0, 4, shape) / 3 if rng.random() < 0.5 else rng.random(shape)


def one_column(rng: np.random.Generator, n: int) -> Case:
    return (rng.random((n, 1)) < rng.choice([0.05, 0.5, 1.0])).astype(float), tied(rng, (n, 1))


def many_columns(rng: np.random.Generator, n: int) -> Case:
    truth = (rng.random((n, 4)) < rng.choice([0.02, 0.4, 1.0], 4)).astype(float)
    truth[rng.random((n, 4)) < rng.choice([0, 0.2])] = np.nan
    return truth, tied(rng, (n, 4))


def one_class(rng: np.random.Generator, n: int) -> Case:
    return np.eye(3)[rng.integers(0, 3, n)], tied(rng, (n, 3)) + np.array([0, 0, 1e-3])


def classes(rng: np.random.Generator, n: int) -> Case:
    return rng.integers(0, rng.integers(1, 5), n), rng.integers(0, rng.integers(1, 6), n)


def targets(rng: np.random.Generator, n: int) -> Case:
    return rng.integers(0, 4, (n, 3)), rng.integers(0, 4, (n, 3))


def sets(rng: np.random.Generator, n: int) -> Case:
    share = rng.choice([0.0, 0.3, 0.9], 5)
    return rng.random((n, 5)) < share, rng.random((n, 5)) < rng.permutation(share)


def numbers(rng: np.random.Generator, n: int) -> Case:
    truth = rng.normal(50, 10, (n, 5))
    if rng.random() < 0.3:
        truth[:, 0] = 7
    answers = truth + rng.normal(0, 5, (n, 5))
    truth[rng.random((n, 5)) < rng.choice([0, 0.2])] = np.nan
    return truth, answers


def ranked(rng: np.random.Generator, n: int) -> Case:
    answers = rng.integers(0, 8, (n, 5))
    answers[np.arange(5) >= rng.integers(0, 6, n)[:, None]] = -1
    return rng.integers(0, 8, n), answers


def by_column(score: Reference) -> Reference:
    """The mean of a column's score over the columns that have one."""

    def mean(t: Any, a: Any, w: Any) -> float:
        there = ~np.isnan(t)
        found = [
            score(t[there[:, c], c], a[there[:, c], c], w[there[:, c]]) for c in range(t.shape[1])
        ]
        kept = [value for value in found if not np.isnan(value)]
        return float(np.mean(kept)) if kept else NAN

    return mean


def auc(t: Any, a: Any, w: Any) -> float:
    if len(np.unique(t)) < 2:
        return NAN
    return float(sk.roc_auc_score(t.ravel(), a.ravel(), sample_weight=w))


def above(t: Any, a: Any, w: Any) -> float:
    """ISIC 2024's: scikit-learn's AUC up to a rate, of the other class, without its correction."""
    if len(np.unique(t)) < 2:
        return NAN
    most = 1 - 0.8
    corrected = sk.roc_auc_score(1 - t.ravel(), -a.ravel(), max_fpr=most, sample_weight=w)
    return float(most**2 / 2 + (corrected - 0.5) * (most - most**2 / 2) / 0.5)


def alaska(t: Any, a: Any, w: Any) -> float:
    """The curve sampled at every rate it turns at and at 0.4; the area to the right of it."""
    if len(np.unique(t)) < 2:
        return NAN
    x, y, _ = sk.roc_curve(t.ravel(), a.ravel(), sample_weight=w, drop_intermediate=False)
    total = 0.0
    for low, high, factor in ((0.0, 0.4, 2), (0.4, 1.0, 1)):
        for x0, x1, y0, y1 in zip(x[:-1], x[1:], y[:-1], y[1:], strict=True):
            if y1 > y0 and y1 > low and y0 < high:
                bottom, top = max(y0, low), min(y1, high)
                left, right = (x0 + (x1 - x0) * (at - y0) / (y1 - y0) for at in (bottom, top))
                total += factor * (top - bottom) * (1 - (left + right) / 2)
    return total / 1.4


def f_beta(beta: float, average: str) -> Reference:
    def score(t: Any, a: Any, w: Any) -> float:
        seen = t.any(axis=0) | a.any(axis=0)
        if not seen.any():
            return 0.0 if average == "samples" else NAN
        if average == "macro":
            t, a = t[:, seen], a[:, seen]
            if t.shape[1] == 1:
                return float(sk.fbeta_score(t[:, 0], a[:, 0], beta=beta, sample_weight=w))
        words = {"average": average, "sample_weight": w, "zero_division": 0}
        return float(sk.fbeta_score(t, a, beta=beta, **words))

    return score


def probabilistic(t: Any, a: Any, w: Any) -> float:
    if not t.sum():
        return NAN
    clipped = a.clip(0, 1)
    right = float((w * (clipped * t)[:, 0]).sum())
    wrong = float((w * (clipped * (1 - t))[:, 0]).sum())
    if not right:
        return 0.0
    precision, recall = right / (right + wrong), right / float((w * t[:, 0]).sum())
    return 2 * precision * recall / (precision + recall)


def kappa(t: Any, a: Any, w: Any) -> float:
    grades = list(range(1 + max(t.max(), a.max())))
    if len({*t, *a}) == 1:
        return NAN
    return float(sk.cohen_kappa_score(t, a, labels=grades, weights="quadratic", sample_weight=w))


def balanced(t: Any, a: Any, w: Any) -> float:
    return float(sk.balanced_accuracy_score(t, a, sample_weight=w))


def recalls(t: Any, a: Any, w: Any) -> float:
    return float(np.average([balanced(t[:, c], a[:, c], w) for c in range(3)], weights=[2, 1, 1]))


def labels_loss(t: Any, a: Any, w: Any) -> float:
    p = np.clip(a, 1e-15, 1 - 1e-15)
    losses = np.where(t == 1, -np.log(p), -np.log(1 - p))
    there, shares = ~np.isnan(t), np.broadcast_to(w[:, None] * [2, 1, 1, 1], t.shape)
    return float(np.average(losses[there], weights=shares[there])) if there.any() else NAN


def class_loss(t: Any, a: Any, w: Any) -> float:
    p = np.clip((a / a.sum(axis=1, keepdims=True))[t == 1], 1e-15, 1 - 1e-15)
    return float(np.average(-np.log(p), weights=w))


def by_class(t: Any, a: Any, w: Any) -> float:
    return float(np.mean([class_loss(t[r], a[r], w[r]) for r in t.T == 1 if r.any()]))


def cells(score: Callable[..., float], shares: Any = 1.0) -> Reference:
    def of_cells(t: Any, a: Any, w: Any) -> float:
        there = ~np.isnan(t)
        weights = np.broadcast_to(w[:, None] * shares, t.shape)[there]
        return score(t[there], a[there], sample_weight=weights) if there.any() else NAN

    return of_cells


def r2(t: Any, a: Any, sample_weight: Any) -> float:
    return float(sk.r2_score(t, a, sample_weight=sample_weight)) if len(set(t)) > 1 else NAN


def apk(t: Any, a: Any, w: Any) -> float:
    pairs = zip(t.tolist(), a.tolist(), strict=True)
    return float(np.average([1 / (b.index(x) + 1) if x in b else 0 for x, b in pairs], weights=w))


def rmse(t: Any, a: Any, w: Any) -> float:
    return float(sk.root_mean_squared_error(t, a, sample_weight=w)) if len(t) else NAN


REFERENCES: dict[str, tuple[Draw, Reference]] = {
    "accuracy": (classes, lambda t, a, w: sk.accuracy_score(t, a, sample_weight=w)),
    "auc": (one_column, auc),
    "balanced_accuracy": (classes, balanced),
    "balanced_log_loss": (one_class, by_class),
    **{
        f"f{beta}_{name}": (sets, f_beta(beta, "samples" if name == "rows" else name))
        for beta in (0.5, 1, 2)
        for name in ("macro", "micro", "rows")
    },
    "log_loss": (one_class, class_loss),
    "macro_recall": (classes, balanced),
    "macro_recall:2,1,1": (targets, recalls),
    "mae": (numbers, cells(sk.mean_absolute_error)),
    "map5": (ranked, apk),
    "mean_column_auc": (many_columns, by_column(auc)),
    "mean_column_r2": (numbers, by_column(lambda t, a, w: r2(t, a, sample_weight=w))),
    "mean_column_rmse": (numbers, by_column(rmse)),
    "partial_auc:0.8": (one_column, above),
    "probabilistic_f1": (one_column, probabilistic),
    "qwk": (classes, kappa),
    "r2": (numbers, cells(r2)),
    "r2:0.1,0.1,0.1,0.2,0.5": (numbers, cells(r2, [0.1, 0.1, 0.1, 0.2, 0.5])),
    "rmse": (numbers, cells(sk.root_mean_squared_error)),
    "top1_error": (ranked, lambda t, a, w: float(np.average(t != a[:, 0], weights=w))),
    "weighted_auc": (one_column, alaska),
    "weighted_log_loss:2,1,1,1": (many_columns, labels_loss),
}


def check(name: str, cases: int) -> None:
    metric, (draw, reference) = metric_named(name), REFERENCES[name]
    rng = np.random.default_rng(7)
    for case in range(cases):
        n = int(rng.choice([1, 2, 3, 10, 60, 300]))
        truth, answers = draw(rng, n)
        for weights in (None, rng.random(n) + 0.1, rng.integers(0, 3, n) + np.eye(1, n)[0]):
            kept = np.ones(n, bool) if weights is None else weights > 0  # 0: it is not there
            heavy = np.ones(n) if weights is None else weights[kept]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                wanted = reference(truth[kept], answers[kept], heavy)
            found = metric.score(truth, answers, weights)
            prepared = metric.prepare(truth, answers)(np.ones(n) if weights is None else weights)
            for each in (found, prepared):
                assert each == pytest.approx(wanted, rel=1e-12, abs=1e-12, nan_ok=True), (case, n)


def test_every_metric_has_a_reference() -> None:
    known, there = ({name.partition(":")[0] for name in names} for names in (NAMES, REFERENCES))
    assert known <= there


@pytest.mark.parametrize("name", REFERENCES)
def test_a_metric_equals_its_definition_on_a_dozen_cases(name: str) -> None:
    check(name, 12)


@pytest.mark.slow
@pytest.mark.parametrize("name", REFERENCES)
def test_a_metric_equals_its_definition_on_200_cases(name: str) -> None:
    check(name, 200)
