"""What the loopback host scores submissions with: a hidden solution, split as Kaggle splits it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from common.errors import KitError
from common.metrics import Metric
from common.progress import first_of
from common.score.reading import Reading, by_image
from common.score.tables import Mask, score_tables
from common.submission import Format, problems_and_remarks
from common.submission.check import Cells, texts
from common.submission.file import read_file


def scorer(
    solution: pd.DataFrame,
    sample: pd.DataFrame,
    form: Format,
    metric: Metric,
    *,
    public_share: float = 0.3,
    seed: int = 0,
) -> Callable[[Path], tuple[float, float]]:
    """A function from a submission file to its (public, private) score, as `kit score` has it.

    Args:
        solution: the true answers of the scored rows, its first column their ids; the sample may list
            more rows than these.
        sample: the sample submission.
        form: what the cells of a submission are.
        metric: the competition's.
        public_share: share of the solution's rows behind the public score, the rest is private;
            which rows follows from their ids and `seed`, not from their order.
        seed: of that choice.

    The returned function raises a KitError, with the problems as sentences, for a bad file.
    """
    identity, key = str(sample.columns[0]), str(solution.columns[0])
    labels = set() if form.numeric or solution.empty else set(solution.iloc[:, 1].astype(str))
    unknown = sorted(labels - set(form.names)) if form.kind in ("label", "grade", "word") else []
    if solution.empty or unknown:
        raise KitError(f"the solution has no rows, or labels not in classes: {first_of(unknown)}")
    truth = solution.rename(columns={key: identity}).astype(str).sort_values(identity)
    reading = reading_of(form)
    public = _public_rows(texts(truth[identity]), reading, public_share, seed)
    known = truth.assign(Usage=np.where(public, "Public", "Private"))
    if len(known.columns) == 3 and known.columns[1] == identity:
        known.columns = [identity, f"true {identity}", "Usage"]

    def score(path: Path) -> tuple[float, float]:
        submission, _, _ = read_file(path, sample)
        problems, _ = problems_and_remarks(
            submission, sample, form
        )  # the order of rows and columns is free
        if problems:
            raise KitError("; ".join(problems[:3]))
        rows = submission.set_index(identity).loc[truth[identity]].reset_index(names=identity)
        rows = rows[list(sample.columns)]
        found = score_tables(metric, known, rows, reading)
        assert found.public is not None and found.private is not None
        return found.public, found.private

    return score


def reading_of(form: Format) -> Reading:
    """How `kit score` is told to read files of a format."""
    return Reading(
        one_label=form.kind in ("label", "grade", "word"),
        separator=form.separator,
        empty=form.empty or "",
        yes=form.yes,
        targets=form.names if form.long else (),
        pattern=form.long,
    )


def _public_rows(ids: Cells, reading: Reading, share: float, seed: int) -> Mask:
    """The rows behind the public score; of an image with several rows, all or none."""
    if not reading.targets:
        return _public_mask(len(ids), share, seed)
    found = by_image(ids, reading)
    public = np.zeros(len(ids) + 1, dtype=bool)  # the last is no row
    public[found.rows[_public_mask(len(found.images), share, seed)]] = True
    return public[:-1]


def public_rows(count: int, share: float) -> int:
    """How many of `count` rows are behind the public score: some, but not all, if there are two."""
    return min(max(round(count * share), 1), max(count - 1, 1))


def _public_mask(count: int, share: float, seed: int) -> Mask:
    """The rows behind the public score, drawn by `seed`."""
    chosen = np.zeros(count, dtype=bool)
    chosen[np.random.default_rng(seed).permutation(count)[: public_rows(count, share)]] = True
    return chosen
