"""Heads on frozen features: those of all folds, and of a grid of rates and decays, trained at once.

The features are computed once; what remains of an epoch is a few small matrix products, stacked
over the jobs. Order, batches, rates and losses are those of the loop, so the numbers are its
numbers to rounding.
"""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from common import randomness
from common.data.batches import epoch_order
from common.inference.features import features_of, split
from common.models.backbone import build
from common.training import resume
from common.training.jobs import Job
from common.training.setting import Setting
from common.training.stack import Point, Trained, train_stack

# head_grid=small: factors of lr and of weight_decay; the recipe's own values come first.
OWN: tuple[Point, ...] = ((1.0, 1.0),)
GRID: tuple[Point, ...] = tuple(
    (rate, decay) for rate in (1.0, 0.3, 3.0) for decay in (1.0, 0.1, 10.0)
)


def train_heads(
    jobs: Sequence[Job], setting: Setting, folders: Sequence[Path], points: Sequence[Point] = OWN
) -> dict[str, Any]:
    """Train the heads of all jobs on one pass of features, and write each job's log and weights.

    With several points each job takes the one that did best on the other jobs' held-out rows, so
    that its own held-out score stays honest. Where there are no others, it takes its own best.

    Returns:
        `points`, each point's mean held-out log loss (`losses`), the `chosen` one of each job, the
        `best` one over all; empty without a choice.
    """
    name, bodies = "", list[nn.Module]()
    heads: dict[str, nn.Module] = {}
    for job in jobs:
        torch.manual_seed(randomness.seed_of(randomness.WEIGHTS, job.seed, job.fold))
        model = build(setting.recipe, setting.classes)
        name, heads[job.name] = split(model)
        bodies = bodies or [model]
    body = setting.network(bodies[0])
    features = features_of(
        body, setting.source, setting.store, views=["identity"], cache=setting.cache
    )["identity"][0]
    trained = []
    for _, equal in groupby(sorted(jobs, key=_length(setting)), key=_length(setting)):
        members = list(equal)
        trained += train_stack(members, setting, features, [heads[j.name] for j in members], points)
    trained.sort(key=lambda each: jobs.index(each.job))
    chosen = [choice(each, trained, len(points)) for each in trained]
    whole = {key: tensor.detach() for key, tensor in body.model.state_dict().items()}
    for each, point, folder in zip(trained, chosen, folders, strict=True):
        folder.mkdir(parents=True, exist_ok=True)
        resume.trim_log(folder, 0)
        for record in each.logs[point]:
            resume.append_log(folder, record)
        head = {f"{name}.{key}": tensor for key, tensor in each.weights[point].items()}
        resume.save_weights(folder, whole | head)
    if len(points) == 1:
        return {}
    losses = [float(np.mean([each.loss(at) for each in trained])) for at in range(len(points))]
    return {
        "points": [list(point) for point in points], "losses": losses, "chosen": chosen,
        "best": int(np.argmin(losses)),
    }  # fmt: skip


def _length(setting: Setting) -> Any:
    """How many rows of a job an epoch takes: jobs of one length go through their batches together."""
    return lambda job: len(epoch_order(setting.targets[job.rows], setting.recipe, (0, 0, 0)))


def choice(mine: Trained, trained: Sequence[Trained], points: int) -> int:
    """The point of the least loss on held-out rows that are not this job's."""
    if points == 1 or mine.job.held_out is None:
        return 0
    own = set(mine.job.held_out.tolist())
    others = [
        each for each in trained
        if each.job.held_out is not None and own.isdisjoint(each.job.held_out.tolist())
    ] or [mine]  # fmt: skip
    return int(np.argmin([np.mean([other.loss(at) for other in others]) for at in range(points)]))
