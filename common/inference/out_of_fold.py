"""Out-of-fold probs to cross-validation scores: per fold, pooled over repeats, per TTA view."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from common.data.folds import Rows
from common.inference.evaluator import Evaluator, Weights
from common.inference.predict import mean_over_views
from common.metrics import Probs
from common.metrics.metric import scored_rows
from common.targets import Targets

TOLD = 3  # of what has no score in a fold, in full


@dataclass(frozen=True)
class FoldViewProbs:
    """A fold's held-out rows [M] and their probs [M, C] for each TTA view group."""

    rows: Rows
    groups: dict[str, Probs]


@dataclass(frozen=True)
class FoldProbs:
    """A fold's held-out rows [M] and their probs [M, C], averaged over views."""

    rows: Rows
    probs: Probs


def fold_probs(folds: Sequence[FoldViewProbs], views: Sequence[str]) -> list[FoldProbs]:
    """Average each fold's probs over these view groups."""
    return [FoldProbs(fold.rows, mean_over_views(fold.groups, views)) for fold in folds]


def pooled(folds: Sequence[FoldProbs], count: int) -> tuple[Rows, Probs]:
    """Pool the folds: rows held out at least once, ascending, and their mean probs over repeats.

    `count` is the number of the table's rows."""
    total = np.zeros((count, folds[0].probs.shape[1]), dtype=np.float32)
    times = np.zeros(count, dtype=np.int64)
    for fold in folds:
        total[fold.rows] += fold.probs
        times[fold.rows] += 1
    rows: Rows = np.flatnonzero(times).astype(np.int64)
    probs: Probs = np.divide(total[rows], times[rows, None], dtype=np.float32)
    return rows, probs


def cv_scores(
    folds: Sequence[FoldProbs],
    targets: Targets,
    evaluator: Evaluator,
    weights: Weights | None = None,
) -> dict[str, Any]:
    """Cross-validation scores: `cv` and `cv_sd` (mean and sample sd over folds), `fold_scores`,
    `pooled` and `n`, the rows that are scored.

    A fold without a score (nan: no positive row, say) counts nowhere; `fold_scores` has None for it.
    """
    each = [evaluator.score(f.probs, targets[f.rows], _of(weights, f.rows)) for f in folds]
    scored = [score for score in each if not np.isnan(score)]
    rows, probs = pooled(folds, len(targets))
    return {
        "cv": float(np.mean(scored)) if scored else None,
        "cv_sd": float(np.std(scored, ddof=1)) if len(scored) > 1 else None,
        "fold_scores": [or_none(score) for score in each],
        "pooled": or_none(evaluator.score(probs, targets[rows], _of(weights, rows))),
        "n": scored_rows(targets[rows], _of(weights, rows)),
    }


def left_out(
    folds: Sequence[FoldProbs],
    scores: Sequence[float | None],
    targets: Targets,
    evaluator: Evaluator,
) -> list[str]:
    """Sentences on what has no score (a column, a class): in all rows, then in single folds alone."""
    everywhere = evaluator.remarks(targets[pooled(folds, len(targets))[0]])
    found = [*everywhere]
    for number, (fold, score) in enumerate(zip(folds, scores, strict=True)):
        told = evaluator.remarks(targets[fold.rows])
        if score is not None:
            told = [each for each in told if each not in everywhere]
        elif not told:
            told = ["it has no score and counts nowhere"]
        if told:
            more = f"; and {len(told) - TOLD:,} more" if len(told) > TOLD else ""
            found.append(f"fold{number}: {'; '.join(told[:TOLD])}{more}")
    return found


def or_none(score: float) -> float | None:
    """The score for JSON, which has no nan."""
    return None if np.isnan(score) else score


def _of(weights: Weights | None, rows: Rows) -> Weights | None:
    return None if weights is None else weights[rows]


def view_gains(
    folds: Sequence[FoldViewProbs],
    views: Sequence[str],
    targets: Targets,
    evaluator: Evaluator,
    weights: Weights | None = None,
) -> list[dict[str, Any]]:
    """The gain of each TTA view group: pooled scores of identity, identity+group, and all."""
    tried = [["identity"], *(["identity", name] for name in views if name != "identity")]
    if len(views) > 2:
        tried.append(list(views))
    found = []
    for names in tried:
        rows, probs = pooled(fold_probs(folds, names), len(targets))
        score = evaluator.score(probs, targets[rows], _of(weights, rows))
        found.append({"views": "+".join(names), "score": or_none(score)})
    return found
