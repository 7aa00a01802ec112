"""How long an ensemble takes on a machine, by stage and level: measured on a few images, as it predicts."""

import math
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from common.competition import Competition
from common.data.archives.open_data import open_folder
from common.data.pixels.store import Store
from common.progress import counted
from common.training.trained_models import load_trained
from common.workflow.files import data_root
from common.workflow.predicting.answer import begun, gpus
from common.workflow.predicting.levels import Level
from common.workflow.predicting.members import Models, levels_of_node, models_of, open_package
from common.workflow.predicting.parts import MOST, MOST_BYTES, WRITTEN_EVERY_S

MEASURED_S = 3.0  # for each of a run's measurements, about
LEAST, WRITTEN = 16, 2000  # images of a measurement, and rows of a submission, at least
TIMES = 2  # of each measurement; the shorter counts, for a machine may be busy


@dataclass(frozen=True)
class Spent:
    """Seconds at a level: of decoding an image, of its networks, and of loading all weights for a part."""

    views: int
    models: int
    decoding: float
    networks: float
    loading: float

    @property
    def level(self) -> Level:
        """What is done of the ensemble."""
        return Level(self.views, self.models)


@dataclass(frozen=True)
class Timing:
    """What was measured on a machine.

    Attributes:
        machine, gpu: in words; is it a GPU's?
        images: how many were timed.
        devices: that share the rows.
        part: rows of a part.
        starting: seconds before the first row: the package opened, the networks built.
        writing: seconds a row of the submission.
    """

    machine: str
    gpu: bool
    images: int
    devices: int
    part: int
    starting: float
    writing: float
    levels: tuple[Spent, ...]

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Timing":
        """From `facts`, as they were written to a file."""
        return cls(**dict(facts) | {"levels": tuple(Spent(**each) for each in facts["levels"])})

    def facts(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def an_image(self, spent: Spent) -> float:
        """Seconds an image at a level; devices side by side share the processors that decode."""
        return max(spent.decoding, (spent.decoding + spent.networks) / self.devices)

    def seconds(self, level: Level, rows: int) -> float:
        """Seconds that so many rows take at one of the levels."""
        spent = next(each for each in self.levels if each.level == level)
        parts = 1 + math.ceil(rows / self.part)
        all_of_it = rows * self.an_image(spent) + parts * spent.loading / self.devices
        writing = rows * self.writing
        return self.starting + all_of_it * (1 + writing / WRITTEN_EVERY_S) + writing


def timed(competition: Competition, folder: Path, data: Path, *, cache: Path) -> Timing | None:
    """Time the package in `folder` on images of the test set in `data`; None: it has none.

    What is timed is what `answer` calls, on the same device, after a first pass that does not count.
    """
    began = time.perf_counter()
    node, prior = open_package(competition, folder)
    place = data_root(open_folder(data, cache, packed=competition.packed), competition.sample)
    cache = cache / f"timed-{os.getpid()}"
    found = begun(competition, node, prior, place, cache / "rows.csv")
    starting, runs = time.perf_counter() - began, [*models_of(node)]
    measured = [_measured(each, found.table, cache) for each in runs] if len(found.table) else []
    if not measured or None in measured:
        return None
    each_run = [*zip(runs, filter(None, measured), strict=True)]
    levels = [
        Spent(
            level.views,
            level.models,
            sum(cost.decoding for _, cost in each_run),
            sum(cost.of_networks(run, level) for run, cost in each_run),
            sum(cost.loading * len(run.folders[: level.models]) for run, cost in each_run),
        )
        for level in levels_of_node(node)
    ]
    if not found.form.long:
        rows = np.arange(max(WRITTEN, len(found.sample))) % len(found.sample)
        ids = [f"{number:09}" for number in range(len(rows))]
        found.sample = found.sample.iloc[rows].assign(**{found.sample.columns[0]: ids})
        found.table = found.table.head(0)
        found.known.clear()
    writing = _shortest(found.write) / max(1, len(found.sample))
    shutil.rmtree(cache)
    gpu = runs[0].kind != "cpu"
    bytes_of_row = max(cost.row_bytes for _, cost in each_run)
    return Timing(
        machine=_machine(gpu),
        gpu=gpu,
        images=min(cost.images for _, cost in each_run),
        devices=max(1, len(gpus())),
        part=max(1, min(MOST, int(MOST_BYTES / bytes_of_row))),
        starting=starting + sum(cost.building for _, cost in each_run),
        writing=writing,
        levels=tuple(levels),
    )


@dataclass(frozen=True)
class _Cost:
    """Of one run, in seconds: networks built; an image decoded, prepared, passed once; weights loaded."""

    images: int
    row_bytes: float
    building: float
    decoding: float
    preparing: float
    passing: float
    loading: float

    def of_networks(self, run: Models, level: Level) -> float:
        return run.networks(level) * (self.preparing + self.passing * run.passes(level))


def _measured(run: Models, table: pd.DataFrame, cache: Path) -> _Cost | None:
    """Time one of the run's models on images of the table, repeated where they are few."""
    full, plain = Level(len(run.recipe.view_names), 1), Level(1, 1)
    try:
        _, store, _ = run.images(_repeated(table, LEAST), cache)
        if store is None:
            return None
        began = time.perf_counter()
        run.open(store, cache)
        building = time.perf_counter() - began
        run.predict(store, cache, full)  # the first pass does not count: it compiles
        once = _shortest(lambda: _passed(run, store, cache, full), times=1)
        room = max(LEAST, min(MOST, int(MOST_BYTES / _row_bytes(store))))
        count = int(np.clip(MEASURED_S / once * len(store), LEAST, room))
        some = _repeated(table, count // run.batch * run.batch or count)
        shutil.rmtree(cache)
        began = time.perf_counter()
        _, store, _ = run.images(some, cache)
        assert store is not None
        decoding = (time.perf_counter() - began) / len(some)
        context = run.open(store, cache)
        loading = _shortest(lambda: load_trained(context, run.folders[0]))
        # The weights of one model are loaded in each measurement too.
        long = max(0.0, _shortest(lambda: _passed(run, store, cache, full)) - loading) / len(store)
        short = long
        if full != plain:
            short = max(0.0, _shortest(lambda: _passed(run, store, cache, plain)) - loading)
            short /= len(store)
        more = run.passes(full) - run.passes(plain)
        most = long / run.passes(full)
        passing = min(most, max(0.0, (long - short) / more)) if more else most
        return _Cost(
            images=len(store),
            row_bytes=_row_bytes(store),
            building=building,
            decoding=decoding,
            preparing=long - passing * run.passes(full),
            passing=passing,
            loading=loading,
        )
    finally:
        shutil.rmtree(cache, ignore_errors=True)


def _row_bytes(store: Store) -> float:
    """Of the decoded pixels of an image, on average."""
    return 3 * float(store.shapes.prod(axis=1).mean())


def _passed(run: Models, store: Any, cache: Path, level: Level) -> None:
    """One model's pass, with nothing left of the last one's features."""
    shutil.rmtree(cache / "features", ignore_errors=True)
    run.predict(store, cache, level)


def _repeated(table: pd.DataFrame, count: int) -> pd.DataFrame:
    rows = table.iloc[np.arange(count) % len(table)]
    return rows.assign(id=[f"{number:09}" for number in range(count)])


def _shortest(call: Callable[[], Any], times: int = TIMES) -> float:
    """Seconds of the shortest of some calls."""
    spent = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        spent.append(time.perf_counter() - begun)
    return min(spent)


def _machine(gpu: bool) -> str:
    if not gpu:
        return f"{counted(torch.get_num_threads(), 'thread')} of a CPU"
    if not torch.cuda.is_available():
        return "a GPU"
    names = [torch.cuda.get_device_name(each) for each in range(torch.cuda.device_count())]
    return names[0] if len(names) == 1 else f"{len(names)} x {names[0]}"
