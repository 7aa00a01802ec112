"""What the loopback host scores submissions with: a hidden solution, split as Kaggle splits it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from common.errors import KitError
from common.metrics import Metric
from common.metrics.registry import metric_named
from common.progress import first_of
from common.score.tables import score_tables
from common.submission_check import problems_and_remarks
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
    """A function from a submission file to its (public, private) score, as `kit score` has it.

    Args:
        solution: `id, label` of the scored rows; the sample may list more rows than these.
        sample: the sample submission, text: `id, label`, or `id` and one column for each class.
        classes: the labels.
        metric: its name is the registry's.
        public_share: share of the solution's rows behind the public score, the rest is private;
            which rows follows from their ids and `seed`, not from their order.
        seed: of that choice.

    The returned function raises ValueError, with the problems as sentences, for a bad file.
    """
    truth = solution.set_index("id")["label"].astype(str).sort_index()
    unknown = sorted(set(truth) - set(classes))
    if unknown or truth.empty:
        raise KitError(f"the solution has no rows, or labels not in classes: {first_of(unknown)}")
    public = _public_mask(len(truth), public_share, seed)
    name = str(sample.columns[0])
    usage = np.where(public, "Public", "Private")
    known = pd.DataFrame({name: truth.index, f"true {name}": truth.to_numpy(), "Usage": usage})

    def score(path: Path) -> tuple[float, float]:
        submission, _, _ = read_file(path, sample)
        problems, _ = problems_and_remarks(
            submission, sample, classes
        )  # the order of rows and columns is free
        if problems:
            raise KitError("; ".join(problems[:3]))
        rows = submission.set_index(name).loc[truth.index].reset_index(names=name)
        found = score_tables(
            metric_named(metric.name), known, rows[list(sample.columns)], one_label=True
        )
        assert found.public is not None and found.private is not None
        return found.public, found.private

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
