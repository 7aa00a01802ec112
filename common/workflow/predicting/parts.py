"""The rows of a test set in parts, each at the fullest level that the time allows, on every device."""

import math
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from common.progress import counted, say
from common.workflow.predicting.known_rows import Answer
from common.workflow.predicting.levels import Clock, Level
from common.workflow.predicting.members import Node, models_of

FIRST, MOST = 64, 2048  # images of the first part of a test set, and of the largest
MOST_BYTES = 4 << 30  # of decoded pixels on the disk at once
PART_OF_TIME = 0.1  # of the time left that the next part may take
WARM = 2  # parts after which the time of an image is trusted: the first loads and compiles
WRITTEN_EVERY_S = 60.0


@dataclass
class Parts:
    """Hands out the rows to the devices, and looks at the clock after each part.

    Attributes:
        levels: the first is wanted, the others are what is given up for time.
        step: rows that are whole inference batches of every run: parts of so many, on whichever device,
            and the set at once give equal bits.
        at, count: the level of the next part, and how many rows it may have; 0: there is no time.
    """

    found: Answer
    levels: Sequence[Level]
    clock: Clock
    step: int
    start: int = 0
    at: int = 0
    count: int = field(default_factory=lambda: FIRST)
    written: float = field(default_factory=lambda: time.monotonic())
    lock: Any = field(default_factory=threading.RLock)

    def take(self) -> tuple[int, int, Level] | None:
        """The first row, the one after the last, and the level of the next part; None: that was all."""
        with self.lock:
            start, left = self.start, len(self.found.table) - self.start
            if not self.count or not left or self.clock.left <= 0:
                return None
            self.start += min(left, _whole(self.count, self.step))
            return start, self.start, self.levels[self.at]

    def done(self, rows: int, level: Level, node: Node, reading: float, network: float) -> None:
        """Note how long a part took on a node, in seconds of reading images and of the networks."""
        with self.lock:
            self.found.used[level.text] = self.found.used.get(level.text, 0) + rows
            runs = [*models_of(node)]  # those that have predicted know what they share
            units = [sum(each.units(other) for each in runs) for other in self.levels]
            self.clock.note(rows, units[self.levels.index(level)], reading, network)
            left = len(self.found.table) - self.start
            if time.monotonic() - self.written > WRITTEN_EVERY_S and left:
                self.found.write()
                self.written = time.monotonic()
            if self.count:  # nobody has stopped it
                self._plan(left, units)

    def _plan(self, left: int, units: Sequence[float]) -> None:
        """Choose the next part's level and size."""
        chosen = self.clock.choose(left, units)
        affordable = self._affordable(units[self.at])
        if chosen != 0 and self.clock.measured < WARM and affordable >= 10 * FIRST:
            self.count = (
                FIRST  # one more at the same level, before anything is given up for its time
            )
            return
        last = len(units) - 1 if chosen is None else chosen
        if last != self.at and left:
            now = self.levels[last].text
            say(f"{self.clock.left:,.0f} s are left for {counted(left, 'row')}: they get {now}")
        self.at, affordable = last, self._affordable(units[last])
        share = affordable if chosen is None else int(affordable * PART_OF_TIME)
        affordable //= self.clock.devices  # of one, which has the part alone
        if self.clock.devices > 1:  # none is idle while another has the last rows
            share = min(share, left // (2 * self.clock.devices))
        most = min(MOST, max(1, int(MOST_BYTES / max(self.found.row_bytes, 1))))
        self.count = min(most, affordable, max(share, FIRST)) if affordable >= 1 else 0

    def _affordable(self, units: float) -> int:
        return int(self.clock.left / max(self.clock.per_row(units), 1e-9))


def _whole(count: int, step: int) -> int:
    return max(step, count // step * step) if step <= MOST else count


def predict_all(
    found: Answer, levels: Sequence[Level], cache: Path, clock: Clock, nodes: Sequence[Node]
) -> None:
    """Predict the rows of `found` part by part; each node, on a device of its own, takes what comes next."""
    step = math.lcm(*(each.batch for each in models_of(nodes[0])))
    clock.devices, parts = len(nodes), Parts(found, levels, clock, step)
    if len(nodes) == 1:
        _work(parts, nodes[0], cache)
        return
    faults: list[BaseException] = []
    count = torch.get_num_threads()

    def work(node: Node, place: Path) -> None:
        torch.set_num_threads(count)  # another number gives other bits on a CPU
        try:
            _work(parts, node, place)
        except BaseException as fault:
            faults.append(fault)
            parts.count = 0

    threads = [
        threading.Thread(target=work, args=(node, cache / str(number)), daemon=True)
        for number, node in enumerate(nodes)
    ]
    for each in threads:
        each.start()
    try:
        for each in threads:
            each.join()
    finally:
        parts.count = 0
    if faults:
        raise faults[0]


def _work(parts: Parts, node: Node, cache: Path) -> None:
    while part := parts.take():
        start, stop, level = part
        spent = _predict(parts.found, node, slice(start, stop), level, cache)
        parts.done(stop - start, level, node, *spent)


def _predict(
    found: Answer, node: Node, rows: slice, level: Level, cache: Path
) -> tuple[float, float]:
    """Predict some rows with all runs; the seconds of reading images, and of the networks."""
    reading = network = 0.0
    try:
        for number, each in enumerate(models_of(node)):
            begun = time.monotonic()
            there, store, faults = each.images(found.table.iloc[rows], cache)
            found.faults |= faults
            opened = time.monotonic()
            if store is not None:
                found.row_bytes = max(found.row_bytes, 3 * store.shapes.prod(axis=1).mean())
                found.probs[number][rows.start + there] = each.predict(store, cache, level)
                found.known[number][rows.start + there] = True
            reading += opened - begun
            network += time.monotonic() - opened
    finally:
        shutil.rmtree(cache, ignore_errors=True)
    return reading, network
