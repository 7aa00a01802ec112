"""How fast a setting trains or predicts here: a few real steps, two settings in turn.

What is timed is the loop's own epoch and inference's own pass, over rows that are repeated as often
as it takes; no rate moves a weight. Nothing is written.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import torch
from torch import Tensor

from common.data.batches.sources import Place, Source
from common.data.folds import Rows
from common.environment import memory_mb
from common.inference.predict import predict
from common.models.freezing import stages
from common.training.context import Setting, take_turn
from common.training.jobs import Job
from common.training.loop import train_epoch
from common.training.plan import phases_of
from common.training.setup import begin, in_phase, parts_of

# Rounds of a comparison: at most; and the seconds after which two are enough, three for a gain.
ROUNDS, PATIENCE_S = 5, 20.0
MOST_STEPS = 100
SLOWER, NOISE = 0.9, 1.05  # a ratio below is clearly slower; one above is a gain
RATE = 1e-9  # at which no weight moves and no loss diverges


@dataclass(frozen=True)
class Trial:
    """A setting at work: `run(images)` handles about so many and returns images/s.

    `memory_mb` is what it took on the device at most, or of a CPU's memory.
    """

    run: Callable[[int], float]
    memory_mb: float


@dataclass(frozen=True)
class Comparison:
    """Images/s of a trial and of another in the same rounds."""

    speeds: list[float]
    others: list[float]

    @property
    def ratios(self) -> list[float]:
        """How many times as fast as the other, one a round."""
        return [mine / other for mine, other in zip(self.speeds, self.others, strict=True)]

    @property
    def ratio(self) -> float:
        """The median ratio."""
        return median(self.ratios)

    @property
    def faster(self) -> bool:
        """Is it faster beyond noise: by 5 %, and in nearly every round?"""
        return self.ratio >= NOISE and sorted(self.ratios)[len(self.ratios) // 4] > 1


def training_of(setting: Setting) -> Trial:
    """Its training, in the phase it ends in."""
    recipe, count = setting.recipe, len(setting.targets)
    job = Job("tune", 0, recipe.seed, np.arange(count), None)

    def opened() -> Callable[[int], float]:
        whole = parts_of(job, setting)
        *_, last = phases_of(recipe, len(stages(whole.network.model)), setting.side)
        phase = replace(last, lr=RATE)
        parts = in_phase(whole, setting, phase)

        def run(images: int) -> float:
            take_turn(setting)
            steps = min(MOST_STEPS, max(3, math.ceil(images / recipe.batch_size)))
            rows = np.resize(job.rows, steps * recipe.batch_size)
            source = _Watched(setting.source, setting.device)
            train_epoch(
                replace(job, rows=rows),
                replace(setting, source=source),
                phase,
                parts,
                epoch=phase.epochs - 1,
                begun=0,
            )
            return source.speed

        return run

    return _warm(opened, setting, 2 * recipe.batch_size)


def inference_of(setting: Setting) -> Trial:
    """Its prediction of images under the plain view."""
    job = Job("tune", 0, setting.recipe.seed, np.arange(len(setting.targets)), None)

    def opened() -> Callable[[int], float]:
        network = begin(job, setting)

        def run(images: int) -> float:
            rows = np.resize(job.rows, max(images, 3 * setting.inference_batch))
            source = _Watched(setting.source, setting.device)
            predict(network, source, rows, views=["identity"], label=job.name)
            return source.speed

        return run

    return _warm(opened, setting, 2)


def compare(trial: Trial, own: Trial, seconds: float) -> Comparison:
    """Run both in turn, some `seconds` each, until it is clear which is faster."""
    images, found = round(own.run(1) * seconds), Comparison([], [])
    begun = time.perf_counter()
    for number in range(ROUNDS):
        for one in (own, trial) if number % 2 == 0 else (trial, own):
            (found.speeds if one is trial else found.others).append(one.run(images))
        late = time.perf_counter() - begun > PATIENCE_S
        if number and (max(found.ratios) < SLOWER or (late and not found.faster)):
            break
        if number > 1 and late:
            break
    return found


@dataclass
class _Watched:
    """A source that notes the time from its first batch until it is asked for one more than it has.

    The device is waited for at both ends, and nowhere else, as in training.
    """

    source: Source
    device: torch.device
    images: int = 0
    seconds: float = 0.0

    def training(self, rows: Rows, place: Place, size: int) -> Iterator[Tensor]:
        return self._watched(self.source.training(rows, place, size))

    def plain(self, rows: Rows, size: int) -> Iterator[Tensor]:
        return self._watched(self.source.plain(rows, size))

    def _watched(self, batches: Iterator[Tensor]) -> Iterator[Tensor]:
        begun = 0.0
        for images in batches:
            if not begun:  # workers have started, and nothing is trained yet
                _wait_for(self.device)
                begun = time.perf_counter()
            self.images += len(images)
            yield images
        _wait_for(self.device)
        self.seconds = time.perf_counter() - begun

    @property
    def speed(self) -> float:
        """Images/s."""
        return self.images / self.seconds


def _warm(opened: Callable[[], Callable[[int], float]], setting: Setting, images: int) -> Trial:
    """A trial that has run once, which is when memory is taken and networks are compiled."""
    take_turn(setting)
    before, over, seen = _memory(setting.device), threading.Event(), [0.0]

    def watch() -> None:
        while not over.wait(0.01):
            seen[0] = max(seen[0], memory_mb())

    if setting.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        run = opened()
        run(images)
    finally:
        over.set()
        watching.join()
    if setting.device.type == "cuda":
        seen[0] = torch.cuda.max_memory_allocated() / 2**20
    return Trial(run, max(0.0, seen[0] - before))


def _memory(device: torch.device) -> float:
    return torch.cuda.memory_allocated() / 2**20 if device.type == "cuda" else memory_mb()


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
    elif device.type == "mps":
        torch.mps.synchronize()
