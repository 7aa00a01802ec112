"""Decisions fitted by cross-fitting: every fold is judged by values that the other folds chose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from common.data.folds import Rows
from common.inference.crossfit import halves, told_if_not_apart
from common.inference.decisions import DECISIONS
from common.inference.evaluator import Evaluator, Weights
from common.inference.out_of_fold import FoldProbs, or_none, pooled
from common.inference.search import Values
from common.progress import bar
from common.targets import Target, Targets


@dataclass(frozen=True)
class Decided:
    """Folds with their decided probs, the values for test rows, and what `scores.json` notes.

    `doubt` says why the probs are not honest, if they are not.
    """

    folds: list[FoldProbs]
    values: Values
    facts: dict[str, Any]
    doubt: str


def decided(
    folds: Sequence[FoldProbs],
    y: Targets,
    groups: npt.ArrayLike,
    evaluator: Evaluator,
    *,
    kind: str,
    weights: Weights | None = None,
) -> Decided:
    """Every fold's probs under a decision fitted on rows that are not its own.

    A single hold-out is halved, and each half takes the values of the other. The values for test rows
    are fitted on all held-out rows; `y`, `groups` and `weights` are those of the whole table. The facts
    hold the pooled scores: `plain` without the decision, `honest` with the values of other folds, and
    `in_sample`, which flatters, with those fitted on the very rows.
    """
    fit = _Fit(evaluator, y, weights, kind)
    with bar(len(folds) + 1, f"decision: {kind}", "fits") as progress:
        if len(folds) == 1:
            done, used = _of_halves(folds[0], np.asarray(groups), fit)
        else:
            done, used = _crossfitted(folds, fit, progress)
        values = fit.values(folds, but=np.zeros(0, dtype=np.int64))
    own = [FoldProbs(fold.rows, fit.applied(fold.probs, values)) for fold in folds]
    facts = {
        "kind": kind,
        "values": values.tolist(),
        "fold_values": [each.tolist() for each in used],
        "plain": or_none(fit.score(folds)),
        "honest": or_none(fit.score(done)),
        "helps": evaluator.metric.better(fit.score(done), fit.score(folds)),
        "in_sample": or_none(fit.score(own)),
        "loss": {"plain": fit.loss(folds), "honest": fit.loss(done)},
    }
    return Decided(done, values, facts, told_if_not_apart([each.rows for each in folds], groups))


def decided_as(
    folds: Sequence[FoldProbs],
    y: Targets,
    groups: npt.ArrayLike,
    target: Target,
    *,
    facts: Mapping[str, Any],
) -> list[FoldProbs]:
    """Other probs of the same folds under the values that `decided` noted in its facts: each fold's own."""
    apply = DECISIONS[facts["kind"]].apply
    values = [np.array(each) for each in facts["fold_values"]]
    if len(folds) > 1:
        return [
            FoldProbs(fold.rows, apply(target, fold.probs, each))
            for fold, each in zip(folds, values, strict=True)
        ]
    probs = folds[0].probs.copy()
    for part, each in zip(_halves(folds[0], y, np.asarray(groups), target), values, strict=True):
        probs[part] = apply(target, probs[part], each)
    return [FoldProbs(folds[0].rows, probs)]


@dataclass(frozen=True)
class _Fit:
    """A decision's kind on a table's true answers."""

    evaluator: Evaluator
    y: Targets
    weights: Weights | None
    kind: str

    def values(self, folds: Sequence[FoldProbs], *, but: Rows) -> Values:
        """Fitted on these folds' rows but those of `but`, or on all where no other is left."""
        kept = [~np.isin(fold.rows, but) for fold in folds]
        if not any(each.any() for each in kept):
            kept = [np.ones(len(fold.rows), dtype=bool) for fold in folds]
        rows = np.concatenate([fold.rows[keep] for fold, keep in zip(folds, kept, strict=True)])
        probs = np.concatenate([fold.probs[keep] for fold, keep in zip(folds, kept, strict=True)])
        weights = self._weights(rows)
        if weights is not None and not weights.any():
            weights = None  # rows that all count nothing are fitted as if each were one
        return DECISIONS[self.kind].fit(self.evaluator, probs, self.y[rows], weights)

    def applied(self, probs: npt.NDArray[np.float32], values: Values) -> npt.NDArray[np.float32]:
        return DECISIONS[self.kind].apply(self.evaluator.target, probs, values)

    def score(self, folds: Sequence[FoldProbs]) -> float:
        rows, probs = pooled(folds, len(self.y))
        return self.evaluator.score(probs, self.y[rows], self._weights(rows))

    def loss(self, folds: Sequence[FoldProbs]) -> float:
        rows, probs = pooled(folds, len(self.y))
        return self.evaluator.loss(probs, self.y[rows], self._weights(rows))

    def _weights(self, rows: Rows) -> Weights | None:
        return None if self.weights is None else self.weights[rows]


def _of_halves(
    fold: FoldProbs, groups: npt.NDArray[Any], fit: _Fit
) -> tuple[list[FoldProbs], list[Values]]:
    parts = _halves(fold, fit.y, groups, fit.evaluator.target)
    done, used = _crossfitted([FoldProbs(fold.rows[part], fold.probs[part]) for part in parts], fit)
    probs = np.empty_like(fold.probs)
    for part, piece in zip(parts, done, strict=True):
        probs[part] = piece.probs
    return [FoldProbs(fold.rows, probs)], used


def _halves(fold: FoldProbs, y: Targets, groups: npt.NDArray[Any], target: Target) -> list[Rows]:
    """The positions of a single hold-out's rows in each of its halves; a lone row is one part."""
    sides = halves(target.strata(y[fold.rows]), groups[fold.rows])
    return [np.flatnonzero(sides == side) for side in np.unique(sides)]


def _crossfitted(
    folds: Sequence[FoldProbs], fit: _Fit, progress: Any = None
) -> tuple[list[FoldProbs], list[Values]]:
    done, used = [], []
    for fold in folds:
        values = fit.values(folds, but=fold.rows)
        done.append(FoldProbs(fold.rows, fit.applied(fold.probs, values)))
        used.append(values)
        if progress is not None:
            progress.update()
    return done, used
