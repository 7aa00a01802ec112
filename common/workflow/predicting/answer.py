"""A test set to its submission.csv: valid from the first minute, and replaced by better ones only."""

import math
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from common import submission
from common.competition import Competition
from common.data.archives.open_data import open_folder
from common.data.csv_rows import read_rows
from common.data.table import check_table
from common.metrics import Probs
from common.progress import counted, first_of, say
from common.submission import Format, format_of
from common.submission.check import texts
from common.workflow.files import data_root, read_sample
from common.workflow.predicting.levels import Clock, Level, levels_of
from common.workflow.predicting.members import Node, combined, models_of, open_package

FIRST, MOST = 64, 2048  # images of the first part of a test set, and of the largest
MOST_BYTES = 4 << 30  # of decoded pixels on the disk at once
PART_OF_TIME = 0.1  # of the time left that the next part may take
WARM = 2  # parts after which the time of an image is trusted: the first loads and compiles
WRITTEN_EVERY_S = 60.0


@dataclass
class Answer:
    """What is known of a test set so far.

    Attributes:
        probs, known: by run with models, float32 [M, C], and bool [M]: is the row predicted?
        row_bytes: of the decoded pixels of an image.
        faults: why an image has no prediction, by id.
        used: rows by the text of the level that they were predicted at.
    """

    competition: Competition
    node: Node
    prior: Probs
    sample: pd.DataFrame
    form: Format
    table: pd.DataFrame
    out: Path
    probs: list[Probs]
    known: list[npt.NDArray[np.bool_]]
    faults: dict[str, str] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    row_bytes: float = 0.0

    @property
    def strange(self) -> list[str]:
        """Ids that only the sample has, which get the mean, or only the test table, which are left out."""
        if self.form.long:
            return []
        wanted, there = (set(each) for each in (texts(self.sample.iloc[:, 0]), self.table["id"]))
        words = {"only the sample has": wanted - there, "only the test table has": there - wanted}
        return [
            f"{what} {counted(len(ids), 'id')} ({first_of(sorted(ids))})"
            for what, ids in words.items()
            if ids
        ]

    def write(self) -> None:
        """Replace the submission: rows without a prediction have the mean of those that have one."""
        ids = self.table["id"].tolist()
        submission.write(self.out, self._rows(ids, self._every(ids)), self.sample, self.form)

    def _rows(self, ids: list[str], probs: Probs) -> pd.DataFrame:
        if not self.form.long:  # what is in the sample counts, whatever the test table lists
            wanted = pd.Index(texts(self.sample.iloc[:, 0]), dtype=object)
            at = pd.Index(ids, dtype=object).get_indexer(wanted)
            probs = np.where((at < 0)[:, None], self.prior, probs[at] if len(ids) else self.prior)
            ids = wanted.tolist()
        return submission.rows_of(self.form, self.node.target, self.sample, ids=ids, probs=probs)

    def _every(self, ids: list[str]) -> Probs:
        if not self.known or not all(known.any() for known in self.known):
            return np.tile(self.prior, (len(ids), 1))
        filled = []
        for probs, known in zip(self.probs, self.known, strict=True):
            every = np.tile(probs[known].mean(axis=0), (len(ids), 1))
            every[known] = probs[known]
            filled.append(every)
        return combined(self.node, iter(filled), ids)


def answer(
    competition: Competition, folder: Path, data: Path, out: Path, *, cache: Path, clock: Clock
) -> dict[str, Any]:
    """Predict the test set that is in `data` with the package in `folder`, and write `out`.

    It exists, with the mean prediction in every row, before an image is read. Whatever stops the
    predicting, what was predicted so far is written.

    Returns:
        `rows predicted levels unreadable seconds`, plain values.
    """
    node, prior = open_package(competition, folder)
    place = data_root(open_folder(data, cache, packed=competition.packed), competition.sample)
    found = _begun(competition, node, prior, place, out)
    levels = _levels(node)
    try:
        _predict_all(found, levels, cache / "part", clock)
    finally:
        found.write()
    _tell(found, levels)
    return {
        "rows": len(found.sample),
        "predicted": int(np.logical_and.reduce(found.known).sum()),
        "levels": found.used,
        "unreadable": sorted(found.faults),
        "seconds": round(time.monotonic() - clock.begun, 1),
    }


def _begun(competition: Competition, node: Node, prior: Probs, place: Path, out: Path) -> Answer:
    """The sample and the table of the test set, and a submission with the mean prediction in every row."""
    sample = _sample(competition, place)
    form = format_of(node.target, competition.scored_by, sample, long=competition.long)
    none = pd.DataFrame({"id": [], "path": []}, dtype=str)
    found = Answer(competition, node, prior, sample, form, none, out, [], [])
    if not form.long:
        found.write()
    if len(sample):
        found.table = check_table(competition.read_test(place), source=f"the test set of {place}")
    for each in models_of(node):
        found.probs.append(np.zeros((len(found.table), len(each.target.names)), dtype=np.float32))
        found.known.append(np.zeros(len(found.table), dtype=bool))
    found.write()
    say(f"{out}: {counted(len(sample), 'row')} with the mean prediction, to be replaced")
    return found


def _sample(competition: Competition, place: Path) -> pd.DataFrame:
    """The sample submission as text; here a header without rows is one, of an empty test set."""
    if competition.make_sample is None:
        header, rows = read_rows(place / competition.sample, (), None)
        if not rows:
            return pd.DataFrame({name: [] for name in header}, dtype=str)
    return read_sample(competition, place)


def _levels(node: Node) -> list[Level]:
    runs = [*models_of(node)]
    views = max(len(each.recipe.view_names) for each in runs)
    return levels_of(views, max(len(each.folders) for each in runs))


def _predict_all(found: Answer, levels: list[Level], cache: Path, clock: Clock) -> None:
    """Part by part, each at the fullest level at which all the rows left fit into the time left."""
    runs, start, written = [*models_of(found.node)], 0, time.monotonic()
    at, count, step = 0, FIRST, math.lcm(*(each.batch for each in runs))
    while count and start < len(found.table) and clock.left > 0:
        part = found.table.iloc[start : start + _whole(count, step)]
        reading, network = _predict(found, part, start, levels[at], cache)
        start += len(part)
        found.used[levels[at].text] = found.used.get(levels[at].text, 0) + len(part)
        units = [sum(each.units(level) for each in runs) for level in levels]
        clock.note(len(part), units[at], reading, network)
        if time.monotonic() - written > WRITTEN_EVERY_S and start < len(found.table):
            found.write()
            written = time.monotonic()
        at, count = _next(len(found.table) - start, units, levels, at, clock)
        count = min(count, max(1, int(MOST_BYTES / max(found.row_bytes, 1))))


def _next(
    left: int, units: list[int], levels: list[Level], at: int, clock: Clock
) -> tuple[int, int]:
    """The level of the next part and how many rows it may have; 0: no time for one."""
    chosen = clock.choose(left, units)
    affordable = int(clock.left / max(clock.per_row(units[at]), 1e-9))
    if chosen != 0 and clock.measured < WARM and affordable >= 10 * FIRST:
        return at, FIRST  # one more at the same level, before anything is given up for its time
    last = len(levels) - 1 if chosen is None else chosen
    if last != at and left:
        now = levels[last].text
        say(f"{clock.left:,.0f} s are left for {counted(left, 'row')}: they get {now}")
    affordable = int(clock.left / max(clock.per_row(units[last]), 1e-9))
    share = affordable if chosen is None else int(affordable * PART_OF_TIME)
    if affordable < 1:
        return last, 0
    return last, max(1, min(MOST, affordable, max(share, FIRST)))


def _whole(count: int, step: int) -> int:
    """So many rows in whole inference batches, so that parts and the set at once give equal bits."""
    return max(step, count // step * step) if step <= MOST else count


def _predict(
    found: Answer, part: pd.DataFrame, start: int, level: Level, cache: Path
) -> tuple[float, float]:
    """Predict some rows with all runs; the seconds of reading images, and of the networks."""
    reading = network = 0.0
    try:
        for number, each in enumerate(models_of(found.node)):
            begun = time.monotonic()
            rows, store, faults = each.images(part, cache)
            found.faults |= faults
            opened = time.monotonic()
            if store is not None:
                found.row_bytes = max(found.row_bytes, 3 * store.shapes.prod(axis=1).mean())
                found.probs[number][start + rows] = each.predict(store, cache, level)
                found.known[number][start + rows] = True
            reading += opened - begun
            network += time.monotonic() - opened
    finally:
        shutil.rmtree(cache, ignore_errors=True)
    return reading, network


def _tell(found: Answer, levels: list[Level]) -> None:
    """How the rows were predicted, and which were not."""
    for level in levels:
        if level.text in found.used:
            say(f"  {counted(found.used[level.text], 'row')} with {level.text}")
    if found.faults:
        named = first_of([f"{name}: {why}" for name, why in sorted(found.faults.items())])
        rows = counted(len(found.faults), "row")
        say(f"  {rows} with the mean prediction, as the image cannot be used: {named}")
    if found.strange:
        say(f"  the sample and the test table differ: {'; '.join(found.strange)}")
    late = len(found.table) - sum(found.used.values())
    if late:
        say(f"  {counted(late, 'row')} with the mean prediction: there was no time for them")
    say(f"{found.out}: {counted(len(found.sample), 'row')}, checked against the sample")
