"""What the loopback host scores submissions with: a hidden solution, split as Kaggle splits it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from common.errors import KitError
from common.metrics import Metric, Probs
from common.progress import first_of
from common.submission_check import judged
from common.submission_file import read_file


def scorer(
    solution: pd.DataFrame,
    sample: pd.DataFrame,
    classes: Sequence[str],
    metric: Metric,
    *,
    public_share: float = 0.3,
    seed: int = 0,
) -> Callable[[Path], tuple[float, float]]:
    """A function from a submission file to its (public, private) score.

    Args:
        solution: `id, label` of the scored rows; the sample may list more rows than these.
        sample: the sample submission, text: `id, label`, or `id` and one column for each class.
        classes: the labels.
        metric: what scores probs [N, C] against indices [N].
        public_share: share of the solution's rows behind the public score, the rest is private;
            which rows follows from their ids and `seed`, not from their order.
        seed: of that choice.

    The returned function raises ValueError, with the problems as sentences, for a bad file.
    """
    truth = solution.set_index("id")["label"].astype(str).sort_index()
    position = {name: index for index, name in enumerate(classes)}
    unknown = sorted(set(truth) - set(position))
    if unknown or truth.empty:
        raise KitError(f"the solution has no rows, or labels not in classes: {first_of(unknown)}")
    targets = np.asarray(truth.map(position), dtype=np.int64)
    public = _public_mask(len(truth), public_share, seed)

    def score(path: Path) -> tuple[float, float]:
        submission, _, _ = read_file(path, sample)
        problems, _ = judged(submission, sample, classes)  # the order of rows and columns is free
        if problems:
            raise KitError("; ".join(problems[:3]))
        rows = submission.set_index(sample.columns[0]).loc[truth.index]
        probs = _probs(rows, classes, position)
        return (
            metric.score(probs[public], targets[public]),
            metric.score(probs[~public], targets[~public]),
        )

    return score


def public_rows(count: int, share: float) -> int:
    """How many of `count` rows are behind the public score: some, but not all, if there are two."""
    return min(max(round(count * share), 1), max(count - 1, 1))


def _public_mask(
    count: int, share: float, seed: int
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """The rows behind the public score, drawn by `seed`."""
    chosen = np.zeros(count, dtype=bool)
    chosen[np.random.default_rng(seed).permutation(count)[: public_rows(count, share)]] = True
    return chosen


def _probs(rows: pd.DataFrame, classes: Sequence[str], position: dict[str, int]) -> Probs:
    """[N, C] in the order of `classes`: the columns by name, or 1 for the label that was named."""
    if len(rows.columns) > 1:
        return rows[list(classes)].astype(np.float64).to_numpy(np.float32)
    probs = np.zeros((len(rows), len(classes)), dtype=np.float32)
    probs[np.arange(len(rows)), rows.iloc[:, 0].map(position).to_numpy(np.int64)] = 1
    return probs
