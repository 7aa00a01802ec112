"""Out-of-fold probabilities and what they score: every row judged by models that never saw it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from common.data.folds import Rows
from common.inference.predict import joined
from common.metrics import Metric, Probs, Targets


@dataclass(frozen=True)
class HeldOut:
    """A fold's held-out rows [M] and, for every group of views, their probs [M, C]."""

    rows: Rows
    groups: dict[str, Probs]


@dataclass(frozen=True)
class Judged:
    """A fold's held-out rows [M] and their probs [M, C] under all views together."""

    rows: Rows
    probs: Probs


def judged(folds: Sequence[HeldOut], views: Sequence[str]) -> list[Judged]:
    """Every fold under these views."""
    return [Judged(fold.rows, joined(fold.groups, views)) for fold in folds]


def pooled(folds: Sequence[Judged], count: int) -> tuple[Rows, Probs]:
    """The rows held out at least once, in table order, and their mean probs over the repeats."""
    total = np.zeros((count, folds[0].probs.shape[1]), dtype=np.float32)
    times = np.zeros(count, dtype=np.int64)
    for fold in folds:
        total[fold.rows] += fold.probs
        times[fold.rows] += 1
    rows: Rows = np.flatnonzero(times).astype(np.int64)
    probs: Probs = np.divide(total[rows], times[rows, None], dtype=np.float32)
    return rows, probs


def scores(folds: Sequence[Judged], targets: Targets, metric: Metric) -> dict[str, Any]:
    """`cv` and `cv_sd` (mean and sample sd over folds), `fold_scores`, `pooled` and its `n`."""
    each = [metric.score(fold.probs, targets[fold.rows]) for fold in folds]
    rows, probs = pooled(folds, len(targets))
    return {
        "cv": float(np.mean(each)),
        "cv_sd": float(np.std(each, ddof=1)) if len(each) > 1 else None,
        "fold_scores": each,
        "pooled": metric.score(probs, targets[rows]),
        "n": len(rows),
    }


def gains(
    folds: Sequence[HeldOut], views: Sequence[str], targets: Targets, metric: Metric
) -> list[dict[str, Any]]:
    """What each group of views adds: the pooled score of the plain view, of each pair, of all."""
    tried = [["identity"], *(["identity", name] for name in views if name != "identity")]
    if len(views) > 2:
        tried.append(list(views))
    found = []
    for names in tried:
        rows, probs = pooled(judged(folds, names), len(targets))
        found.append({"views": "+".join(names), "score": metric.score(probs, targets[rows])})
    return found
