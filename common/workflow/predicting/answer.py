"""A test set to its submission.csv: valid from the first minute, and replaced by better ones only."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from common.competition import Competition
from common.data.archives.open_data import open_folder
from common.data.csv_rows import read_rows
from common.data.table import check_table
from common.metrics import Probs
from common.progress import counted, first_of, say
from common.storage import read_json
from common.submission import format_of
from common.workflow.files import data_root, read_sample
from common.workflow.predicting.contents import PREDICTOR
from common.workflow.predicting.known_rows import Answer
from common.workflow.predicting.levels import Clock, Level
from common.workflow.predicting.mean_rows import write_mean
from common.workflow.predicting.members import Node, levels_of_node, models_of, open_package
from common.workflow.predicting.parts import predict_all


def answer(
    competition: Competition,
    folder: Path,
    data: Path,
    out: Path,
    *,
    cache: Path,
    clock: Clock,
    levels: Sequence[Level] = (),
    devices: Sequence[str] = (),
) -> dict[str, Any]:
    """Predict the test set that is in `data` with the package in `folder`, and write `out`.

    It exists, with the mean prediction in every row, before an image is read. Whatever stops the
    predicting, what was predicted so far is written.

    Args:
        levels: what is wanted, and what is given up for time, in order; default: all of the ensemble first.
        devices: that share the rows, as cuda:0 and cuda:1; default: all GPUs.

    Returns:
        `rows predicted levels unreadable seconds`, plain values.
    """
    node, prior = open_package(competition, folder)
    place = data_root(open_folder(data, cache, packed=competition.packed), competition.sample)
    with_mean = _write_mean(competition, folder, place, out)
    found = begun(competition, node, prior, place, out)
    if not with_mean:
        found.write()
    levels = levels or levels_of_node(node)
    nodes = [open_package(competition, folder, name)[0] for name in devices or gpus()] or [node]
    try:
        predict_all(found, levels, cache / f"part-{os.getpid()}", clock, nodes)
    finally:
        with _in_one_go():
            found.write()
    _tell(found, levels)
    return {
        "rows": len(found.sample),
        "predicted": int(np.logical_and.reduce(found.known).sum()),
        "levels": found.used,
        "unreadable": sorted(found.faults),
        "seconds": round(time.monotonic() - clock.begun, 1),
    }


@contextmanager
def _in_one_go() -> Iterator[None]:
    """An interrupt that comes in the block waits for its end."""
    if threading.current_thread() is not threading.main_thread():  # which alone is interrupted
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)
    if came:
        raise KeyboardInterrupt


def gpus() -> list[str]:
    """The GPUs that share the rows; empty where there is one at most, which needs no name."""
    count = torch.cuda.device_count()
    return [f"cuda:{number}" for number in range(count)] if count > 1 else []


def _write_mean(competition: Competition, folder: Path, place: Path, out: Path) -> bool:
    """Write the mean prediction in every row at once, where the sample is a plain CSV."""
    sample, mean = place / competition.sample, read_json(folder / PREDICTOR)["mean"]
    try:
        count = write_mean(sample, mean["cells"], mean["long"], out)
    except (OSError, ValueError, LookupError):
        return False
    say(f"{out}: {counted(count, 'row')} with the mean prediction, to be replaced")
    return True


def begun(competition: Competition, node: Node, prior: Probs, place: Path, out: Path) -> Answer:
    """The sample and the table of the test set, and nothing predicted."""
    sample = _sample(competition, place)
    form = format_of(node.target, competition.scored_by, sample, long=competition.long)
    none = pd.DataFrame({"id": [], "path": []}, dtype=str)
    found = Answer(competition, node, prior, sample, form, none, out, [], [])
    if len(sample):
        found.table = check_table(competition.read_test(place), source=f"the test set of {place}")
    for each in models_of(node):
        found.probs.append(np.zeros((len(found.table), len(each.target.names)), dtype=np.float32))
        found.known.append(np.zeros(len(found.table), dtype=bool))
    return found


def _sample(competition: Competition, place: Path) -> pd.DataFrame:
    """The sample submission as text; here a header without rows is one, of an empty test set."""
    if competition.make_sample is None:
        header, rows = read_rows(place / competition.sample, (), None)
        if not rows:
            return pd.DataFrame({name: [] for name in header}, dtype=str)
    return read_sample(competition, place)


def _tell(found: Answer, levels: Sequence[Level]) -> None:
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
