"""Blend several runs' probs: weights equal, by rank, greedy or linear, evaluated by cross-fitting."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize

from common.data.folds import Rows
from common.errors import KitError
from common.inference.evaluator import Evaluator, Weights
from common.metrics import Probs
from common.progress import bar, first_of
from common.targets import Targets

Candidate = tuple[Weights, Probs]  # times per run [K], summed probs [N, C]
STEPS = 50  # of the linear stack's solver
SMALLEST = 1e-3  # weight of a linear stack: what is below is the solver's rounding
ROUNDS = 50  # of the greedy search: weights are multiples of about 1/50


@dataclass(frozen=True)
class Predictions:
    """One run's probs [N, C] with the ids of its rows and the names of its columns."""

    name: str
    ids: Sequence[str]
    classes: Sequence[str]
    probs: Probs


def align(found: Predictions, ids: Sequence[str], classes: Sequence[str]) -> Probs:
    """Reorder predictions to exactly these ids and classes: float32 [len(ids), len(classes)].

    Raises:
        KitError: its rows or its classes are not the same set.
    """
    for what, own, wanted, remedy in (
        ("classes", found.classes, classes, "blend runs of the same labels"),
        ("rows", found.ids, ids, "blend runs of the same rows=, folds= and holdout="),
    ):
        missing = sorted(set(wanted) - set(own))
        extra = sorted(set(own) - set(wanted))
        if missing or extra:
            words = [f"no prediction for {first_of(missing)}"] if missing else []
            words += [f"one for {first_of(extra)}, which the other runs lack"] if extra else []
            raise KitError(f"{found.name} has other {what}: {' and '.join(words)}; {remedy}")
    rows = pd.Index(found.ids).get_indexer(pd.Index(ids))
    columns = pd.Index(found.classes).get_indexer(pd.Index(classes))
    return found.probs[np.ix_(rows, columns)]


def equal(
    stack: Probs,
    targets: Targets,  # noqa: ARG001
    evaluator: Evaluator,  # noqa: ARG001
    counts: Weights | None = None,  # noqa: ARG001
) -> Weights:
    """Equal weights: float64 [K]. As all kinds take it, `counts` [N] is what each row weighs."""
    return np.full(len(stack), 1 / len(stack))


def rank(
    stack: Probs, targets: Targets, evaluator: Evaluator, counts: Weights | None = None
) -> Weights:
    """Weights by rank: of K runs, the best on these rows gets K, the next K - 1, the worst 1.

    Runs are ranked by their score, not their probabilities. Ties go to the earlier run.
    """
    better_first = [evaluator.cost(probs, targets, counts) for probs in stack]
    weights = np.empty(len(stack))
    weights[np.argsort(better_first, kind="stable")] = np.arange(len(stack), 0, -1)
    return weights / weights.sum()


def greedy(
    stack: Probs, targets: Targets, evaluator: Evaluator, counts: Weights | None = None
) -> Weights:
    """Weights by greedy ensemble selection with replacement (Caruana et al., 2004).

    It starts with the best prefix of the runs sorted by score, adds `ROUNDS` times the run that
    improves the mean most, and keeps the best mean found. The metric decides; the target's loss breaks
    ties, since accuracy is flat.
    """
    alone = np.eye(len(stack))

    def added(current: Candidate, run: int) -> Candidate:
        times, total = current
        return times + alone[run], total + stack[run]

    def cost(current: Candidate) -> tuple[float, float]:
        times, total = current
        mean = total / np.float32(times.sum())
        return evaluator.cost(mean, targets, counts), evaluator.loss(mean, targets, counts)

    empty: Candidate = np.zeros(len(stack)), np.zeros_like(stack[0])
    runs = range(len(stack))
    order = sorted(runs, key=lambda run: cost(added(empty, run)))
    current = best = min([*accumulate(order, added, initial=empty)][1:], key=cost)
    for _ in range(ROUNDS):
        current = min((added(current, run) for run in runs), key=cost)
        best = min(best, current, key=cost)
    return np.asarray(best[0] / best[0].sum())


def linear(
    stack: Probs, targets: Targets, evaluator: Evaluator, counts: Weights | None = None
) -> Weights:
    """Weights of a linear stack, none below 0 (Breiman, "Stacked regressions", 1996), that sum to 1.

    They minimise the target's loss of the weighted mean, which is convex in them.
    """
    exact = stack.astype(np.float64)  # for differences as small as the solver's

    def loss(weights: Weights) -> float:
        mean: Any = np.tensordot(weights, exact, 1)
        return evaluator.loss(mean, targets, counts)

    return least_on_simplex(loss, len(stack))


def least_on_simplex(loss: Callable[[Weights], float], count: int) -> Weights:
    """The weights [count], none below 0, that sum to 1 and have the least of a convex loss."""
    found = _descended(loss, np.full(count, 1 / count))
    alone = min(np.eye(count), key=loss)
    # A loss that is cut off is flat in the middle: from there no way leads down.
    if not loss(found) <= loss(alone):
        found = min((alone, _descended(loss, alone)), key=loss)
    return found


def _descended(loss: Callable[[Weights], float], start: Weights) -> Weights:
    """The weights on the simplex to which the solver comes from a start."""
    count, unit = len(start), loss(start) or 1.0  # the solver stops by absolute differences
    found = minimize(
        lambda weights: loss(weights) / unit,
        start,
        method="SLSQP",
        bounds=[(0, 1)] * count,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1},
        options={"maxiter": STEPS},
    ).x
    weights = np.where(found > SMALLEST, found, 0)
    return np.asarray(weights / weights.sum())


KINDS: dict[str, Callable[[Probs, Targets, Evaluator, Weights | None], Weights]] = {
    "equal": equal,
    "rank": rank,
    "greedy": greedy,
    "linear": linear,
}


@dataclass(frozen=True)
class Blend:
    """`weights` [K] fitted on all rows; cross-fitted `probs` [N, C]: each part by the others' weights."""

    weights: Weights
    probs: Probs


def crossfit_blend(
    stack: Probs,
    targets: Targets,
    parts: Rows,
    *,
    kind: str,
    evaluator: Evaluator,
    counts: Weights | None = None,
) -> Blend:
    """Blend runs' probs [K, N, C] by cross-fitting over `parts` [N], one part number per row.

    Each part is blended with weights fitted on the other parts, so the score of `probs` is unbiased.
    A lone part is blended with its own. `counts` [N] is what each row weighs in the score.
    """
    probs = np.empty_like(stack[0])
    with bar(len(np.unique(parts)) + 1, f"weights, {kind}", "fits") as progress:
        for part in np.unique(parts):
            mine = parts == part
            weights = fitted_apart(
                stack, targets, mine, kind=kind, evaluator=evaluator, counts=counts
            )
            probs[mine] = weighted_mean(stack[:, mine], weights)
            progress.update()
        return Blend(KINDS[kind](stack, targets, evaluator, counts), probs)


def fitted_apart(
    stack: Probs,
    targets: Targets,
    mine: npt.NDArray[np.bool_],
    *,
    kind: str,
    evaluator: Evaluator,
    counts: Weights | None = None,
) -> Weights:
    """Weights fitted on the rows that are not `mine` [N], or on all where those are all."""
    rows = mine if mine.all() else ~mine
    of_rows = None if counts is None else counts[rows]
    return KINDS[kind](stack[:, rows], targets[rows], evaluator, of_rows)


def weighted_mean(stack: Sequence[Probs] | Probs, weights: Weights) -> Probs:
    """The weighted mean of probs [K, N, C], summed in float64: float32 [N, C]."""
    total = sum(
        weight * probs.astype(np.float64) for weight, probs in zip(weights, stack, strict=True)
    )
    return np.asarray(total, dtype=np.float32)
