"""Several runs' probs as one: weights fitted on rows that they are not judged on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.data.folds import Rows
from common.errors import KitError
from common.metrics import FLOOR, Metric, Probs, Targets
from common.progress import bar, first_of

Weights = npt.NDArray[np.float64]
Held = tuple[Weights, Probs, npt.NDArray[np.float64]]  # times each run is in it; sums of probs
ROUNDS = 50  # of the greedy search: no weight is finer than a fiftieth


@dataclass(frozen=True)
class Predictions:
    """What one run says of rows: probs [N, C] by id and by class name."""

    name: str
    ids: Sequence[str]
    classes: Sequence[str]
    probs: Probs


def aligned(found: Predictions, ids: Sequence[str], classes: Sequence[str]) -> Probs:
    """The probs of exactly these ids and classes, in their order.

    Raises:
        KitError: its rows or its classes are others.
    """
    for what, own, wanted, remedy in (
        ("classes", found.classes, classes, "blend runs of the same labels"),
        ("rows", found.ids, ids, "blend runs of the same rows=, folds= and holdout="),
    ):
        lacking = sorted(set(wanted) - set(own))
        strange = sorted(set(own) - set(wanted))
        if lacking or strange:
            words = [f"no prediction for {first_of(lacking)}"] if lacking else []
            words += [f"one for {first_of(strange)}, which the others have not"] if strange else []
            raise KitError(f"{found.name} has other {what}: {' and '.join(words)}; {remedy}")
    rows = pd.Index(found.ids).get_indexer(pd.Index(ids))
    columns = pd.Index(found.classes).get_indexer(pd.Index(classes))
    return found.probs[np.ix_(rows, columns)]


def equal(stack: Probs, targets: Targets, metric: Metric) -> Weights:  # noqa: ARG001
    """Every run counts the same."""
    return np.full(len(stack), 1 / len(stack))


def rank(stack: Probs, targets: Targets, metric: Metric) -> Weights:
    """The best of k runs on these rows counts k, the next k - 1, the worst 1.

    It is the runs that are ranked, not their probabilities. Of equals the earlier counts more.
    """
    better_first = [-metric.gain(metric.score(probs, targets), 0.0) for probs in stack]
    weights = np.empty(len(stack))
    weights[np.argsort(better_first, kind="stable")] = np.arange(len(stack), 0, -1)
    return weights / weights.sum()


def greedy(stack: Probs, targets: Targets, metric: Metric) -> Weights:
    """Ensemble selection with replacement: Caruana et al., 2004 ("… from libraries of models").

    It begins with the best few runs (that many of the sorted list whose mean is best), adds fifty
    times the run that helps most, and keeps the best mean met on the way. What is best is the
    metric; the log loss decides between equals, where an accuracy is flat.
    """
    own, alone = stack[:, np.arange(len(targets)), targets], np.eye(len(stack))

    def added(held: Held, run: int) -> Held:
        counts, total, sure = held
        return counts + alone[run], total + stack[run], sure + own[run]

    def cost(held: Held) -> tuple[float, float]:
        counts, total, sure = held
        loss = float(-np.log(np.clip(sure / counts.sum(), FLOOR, 1 - FLOOR)).mean())
        mean = total / np.float32(counts.sum())
        return -metric.gain(metric.score(mean, targets), 0.0), loss

    nothing: Held = np.zeros(len(stack)), np.zeros_like(stack[0]), np.zeros(len(targets))
    runs = range(len(stack))
    order = sorted(runs, key=lambda run: cost(added(nothing, run)))
    held = best = min([*accumulate(order, added, initial=nothing)][1:], key=cost)
    for _ in range(ROUNDS):
        held = min((added(held, run) for run in runs), key=cost)
        best = min(best, held, key=cost)
    return np.asarray(best[0] / best[0].sum())


KINDS: dict[str, Callable[[Probs, Targets, Metric], Weights]] = {
    "equal": equal,
    "rank": rank,
    "greedy": greedy,
}


@dataclass(frozen=True)
class Blend:
    """`weights` [K] fitted on all rows; `probs` [N, C], each part's by weights of the others."""

    weights: Weights
    probs: Probs


def blended(stack: Probs, targets: Targets, parts: Rows, *, kind: str, metric: Metric) -> Blend:
    """Join the runs' probs [K, N, C]; `parts` [N] says which rows are judged together.

    The weights that judge a part are fitted on the other parts, so the score of `probs` is honest.
    """
    fit = KINDS[kind]
    probs = np.empty_like(stack[0])
    with bar(len(np.unique(parts)) + 1, f"weights, {kind}", "fits") as progress:
        for part in np.unique(parts):
            mine = parts == part
            weights = fit(stack[:, ~mine], targets[~mine], metric)
            probs[mine] = weighted(stack[:, mine], weights)
            progress.update()
        return Blend(fit(stack, targets, metric), probs)


def weighted(stack: Sequence[Probs] | Probs, weights: Weights) -> Probs:
    """The weighted mean of probs [K, N, C], summed in float64: float32 [N, C]."""
    total = sum(
        weight * probs.astype(np.float64) for weight, probs in zip(weights, stack, strict=True)
    )
    return np.asarray(total, dtype=np.float32)
