"""A training step of the kit's loop, against the same step written by hand.

Both train the same network with the same optimiser on the same batches; what the loop adds is seeds,
rates, the figures of an epoch and the watch over the loss.
"""

from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from benchmarks.measure import Effort, Row, Way, alone, compare
from common.data.batches.batching import epoch_order
from common.data.batches.sources import InMemory
from common.inference.evaluator import Evaluator
from common.metrics import metric_named
from common.models.backbone import InputConfig
from common.recipe import Recipe
from common.targets import OneClass
from common.training.components import build_components, components_for_phase, init_network
from common.training.jobs import Job
from common.training.loop import train_epoch
from common.training.phases import Phase
from common.training.run_context import RunContext

CLAIM = "training steps at 32x32, batch 256"
SIDE, BATCH, CLASSES, LR = 32, 256, 10, 0.01
RECIPE = Recipe(
    backbone="kit_resnet9_16",
    augment="small-mirror",
    batch_size=BATCH,
    lr=LR,
    schedule="constant",
    device="cpu",
)


def measure(effort: Effort) -> list[Row]:
    """An epoch of the loop and an epoch by hand."""
    count = max(1, effort.images // BATCH) * BATCH
    setting = _setting(count)
    job = Job("fold0", 0, 0, np.arange(count), None)
    peers = [(0.97, "torch", lambda: _by_hand(job, setting))]
    return compare(CLAIM, _ours(job, setting), peers, repeats=effort.repeats)


def _setting(count: int) -> RunContext:
    random = np.random.default_rng(0)
    pixels = torch.from_numpy(random.integers(0, 256, (count, SIDE, SIDE, 3), np.uint8))
    return RunContext(
        RECIPE,
        random.integers(0, CLASSES, count),
        None,
        Evaluator(OneClass(names=tuple("abcdefghij")), metric_named("accuracy")),
        InMemory(pixels, RECIPE, torch.zeros(3, dtype=torch.uint8)),
        InputConfig((0.5, 0.5, 0.5), (0.25, 0.25, 0.25), 1.0),
        Accelerator(cpu=True),
        "fp32",
        store=cast(Any, None),
        cache=Path(),
        matches=[],
        side=SIDE,
        on_features=False,
        probe_in_loop="",
    )


def _ours(job: Job, setting: RunContext) -> Way:
    phase = Phase(frozen=0, sizes=(0,), lr=LR)
    parts = components_for_phase(build_components(job, setting), setting, phase)

    def work() -> None:
        train_epoch(job, setting, phase, parts, epoch=0, begun=0)

    return Way("kit", work, len(job.rows))


def _by_hand(job: Job, setting: RunContext) -> Way:
    network = init_network(job, setting)
    model = network.model.train()
    groups: list[dict[str, Any]] = [
        {"params": [p for p in model.parameters() if p.ndim > 1]},
        {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.SGD(
        groups,
        lr=LR,
        momentum=RECIPE.momentum,
        weight_decay=RECIPE.weight_decay,
        nesterov=True,
    )
    loss_of, targets = nn.CrossEntropyLoss(), torch.from_numpy(setting.targets)

    def work() -> None:
        rows = epoch_order(setting.targets, RECIPE, (0, 0, 0))
        wanted = targets[torch.from_numpy(rows)].split(BATCH)
        for images, y in zip(setting.source.training(rows, (0, 0, 0), 0), wanted, strict=True):
            loss = loss_of(model(network.input(images)), y)
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()

    return Way("plain PyTorch", work, len(job.rows))


if __name__ == "__main__":
    alone(measure)
