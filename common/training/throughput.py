"""Throughput benchmark: images/s and memory of training or inference, for `kit tune`.

It times the training loop's own epoch and the inference pass on a few real steps, repeating rows as
needed, at a learning rate too small to change a weight. Two candidates alternate. Nothing is written.
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

from common.data.batches.batching import Place
from common.data.batches.sources import Source
from common.data.folds import Rows
from common.environment import memory_mb
from common.inference.predict import predict
from common.models.freezing import stages
from common.training.components import build_components, components_for_phase, init_network
from common.training.devices import reset_accelerator
from common.training.jobs import Job
from common.training.loop import train_epoch
from common.training.phases import phases_of
from common.training.run_context import RunContext

# A comparison's rounds at most, and the seconds after which two are enough (three for a gain).
ROUNDS, MAX_S = 5, 20.0
MAX_STEPS = 100
SLOWER, NOISE = 0.9, 1.05  # a speed ratio below is clearly slower; one above is a gain
TINY_LR = 1e-9  # no weight changes and no loss diverges


@dataclass(frozen=True)
class Trial:
    """A candidate ready to be timed: `run(images)` processes about that many, returns images/s.

    `memory_mb` is its peak memory on the GPU, or of the process on a CPU.
    """

    run: Callable[[int], float]
    memory_mb: float


@dataclass(frozen=True)
class Comparison:
    """Images/s of a trial (`speeds`) and of its baseline (`others`), round by round."""

    speeds: list[float]
    others: list[float]

    @property
    def ratios(self) -> list[float]:
        """Speed relative to the baseline, one per round."""
        return [mine / other for mine, other in zip(self.speeds, self.others, strict=True)]

    @property
    def ratio(self) -> float:
        """The median ratio."""
        return median(self.ratios)

    @property
    def faster(self) -> bool:
        """Is it faster beyond noise: median by 5 %, and in nearly every round?"""
        return self.ratio >= NOISE and sorted(self.ratios)[len(self.ratios) // 4] > 1


def training_trial(context: RunContext) -> Trial:
    """A run context to a trial of its training, in its last phase."""
    recipe, count = context.recipe, len(context.targets)
    job = Job("tune", 0, recipe.seed, np.arange(count), None)

    def build() -> Callable[[int], float]:
        initial = build_components(job, context)
        *_, last = phases_of(recipe, len(stages(initial.network.model)), context.side)
        phase = replace(last, lr=TINY_LR)
        components = components_for_phase(initial, context, phase)

        def run(images: int) -> float:
            reset_accelerator(context.recipe, context.precision)
            steps = min(MAX_STEPS, max(3, math.ceil(images / recipe.batch_size)))
            rows = np.resize(job.rows, steps * recipe.batch_size)
            source = _TimedSource(context.source, context.device)
            train_epoch(
                replace(job, rows=rows),
                replace(context, source=source),
                phase,
                components,
                epoch=phase.epochs - 1,
                begun=0,
            )
            return source.speed

        return run

    return _warmed_up(build, context, 2 * recipe.batch_size)


def inference_trial(context: RunContext) -> Trial:
    """A run context to a trial of its inference, without test-time augmentation."""
    job = Job("tune", 0, context.recipe.seed, np.arange(len(context.targets)), None)

    def build() -> Callable[[int], float]:
        network = init_network(job, context)

        def run(images: int) -> float:
            rows = np.resize(job.rows, max(images, 3 * context.inference_batch))
            source = _TimedSource(context.source, context.device)
            predict(network, source, rows, views=["identity"], label=job.name)
            return source.speed

        return run

    return _warmed_up(build, context, 2)


def compare(trial: Trial, own: Trial, seconds: float) -> Comparison:
    """Time a trial against the baseline `own` in alternation, about `seconds` each per round."""
    images, found = round(own.run(1) * seconds), Comparison([], [])
    started = time.perf_counter()
    for number in range(ROUNDS):
        for one in (own, trial) if number % 2 == 0 else (trial, own):
            (found.speeds if one is trial else found.others).append(one.run(images))
        late = time.perf_counter() - started > MAX_S
        if number and (max(found.ratios) < SLOWER or (late and not found.faster)):
            break
        if number > 1 and late:
            break
    return found


@dataclass
class _TimedSource:
    """A source that times its consumer, from the first batch to the end of the last.

    The device is synchronised at both ends only, as in training.
    """

    source: Source
    device: torch.device
    images: int = 0
    seconds: float = 0.0

    def training(self, rows: Rows, place: Place, size: int) -> Iterator[Tensor]:
        return self._timed(self.source.training(rows, place, size))

    def plain(self, rows: Rows, size: int) -> Iterator[Tensor]:
        return self._timed(self.source.plain(rows, size))

    def _timed(self, batches: Iterator[Tensor]) -> Iterator[Tensor]:
        started = 0.0
        for images in batches:
            if not started:  # loader workers have started, nothing is trained yet
                _synchronize(self.device)
                started = time.perf_counter()
            self.images += len(images)
            yield images
        _synchronize(self.device)
        self.seconds = time.perf_counter() - started

    @property
    def speed(self) -> float:
        """Images/s."""
        return self.images / self.seconds


def _warmed_up(
    build: Callable[[], Callable[[int], float]], context: RunContext, images: int
) -> Trial:
    """A trial after one warm-up run, which allocates memory and compiles; measures its peak memory."""
    reset_accelerator(context.recipe, context.precision)
    before, done, peak = _memory(context.device), threading.Event(), [0.0]

    def watch() -> None:
        while not done.wait(0.01):
            peak[0] = max(peak[0], memory_mb())

    if context.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        run = build()
        run(images)
    finally:
        done.set()
        watching.join()
    if context.device.type == "cuda":
        peak[0] = torch.cuda.max_memory_allocated() / 2**20
    return Trial(run, max(0.0, peak[0] - before))


def _memory(device: torch.device) -> float:
    return torch.cuda.memory_allocated() / 2**20 if device.type == "cuda" else memory_mb()


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
    elif device.type == "mps":
        torch.mps.synchronize()
