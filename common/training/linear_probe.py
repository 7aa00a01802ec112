"""Heads on frozen features: those of all folds, and of a grid of rates and decays, trained at once.

The features are computed once; what remains of an epoch is a few small matrix products, stacked
over the jobs. Order, batches, rates and losses are those of the loop, so the numbers are its
numbers to rounding.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from common import randomness
from common.data.batches.sources import epoch_order
from common.inference.features import features_of, split
from common.models.backbone import build
from common.recipe import Recipe
from common.training import checkpoint
from common.training.context import Setting
from common.training.early_stop import Best
from common.training.jobs import Job
from common.training.loop import REMEDY, Diverged
from common.training.plan import probe_of
from common.training.stacked_heads import Point, Trained, train_stack

# The recipe's own values come first.
OWN: tuple[Point, ...] = ((1.0, 1.0),)
RATES, DECAYS = (1.0, 0.3, 3.0), (1.0, 0.1, 10.0)


def grid_of(recipe: Recipe) -> list[Point]:
    """The points that a recipe tries: factors of its rate and, where it has any, of its decay."""
    if recipe.head_grid == "none":
        return list(OWN)
    return [
        (rate, decay) for rate in RATES for decay in (DECAYS if recipe.weight_decay else OWN[0][:1])
    ]


def train_heads(
    jobs: Sequence[Job], setting: Setting, points: Sequence[Point] = OWN, *, in_all: int = 0
) -> list[Trained]:
    """Train the heads of all jobs, at every point of the grid, on one pass of features.

    Args:
        in_all: epochs of the whole training, where these only begin it; 0: these are all.

    Raises:
        Diverged: no point left usable weights.
    """
    heads: dict[str, nn.Module] = {}
    name, bodies = "", list[nn.Module]()
    for job in jobs:
        torch.manual_seed(randomness.seed_of(randomness.WEIGHTS, job.seed, job.fold))
        model = build(setting.recipe, setting.classes)
        name, heads[job.name] = split(model)
        bodies = bodies or [model]
    body = setting.network(bodies[0])
    features = features_of(body, setting.source, setting.store, "identity", cache=setting.cache)[0]
    trained = []
    for _, equal in groupby(sorted(jobs, key=_length(setting)), key=_length(setting)):
        members = list(equal)
        trained += train_stack(
            members,
            setting,
            features,
            [heads[job.name] for job in members],
            points,
            in_all=in_all or setting.recipe.epochs,
        )
    whole = {key: tensor.detach() for key, tensor in body.model.state_dict().items()}
    for each in trained:
        if not any(each.usable(at) for at in range(len(points))):
            raise Diverged(
                f"training diverged in {each.job.name}: its head is not finite. {REMEDY}"
            )
        for heads_of_points in (each.weights, each.unaveraged):
            for at, head in enumerate(heads_of_points):
                own = {f"{name}.{key}": tensor for key, tensor in head.items()}
                heads_of_points[at] = whole | own
    return sorted(trained, key=lambda each: jobs.index(each.job))


def choices(trained: Sequence[Trained], points: Sequence[Point]) -> dict[str, Any]:
    """Which point of the grid each job takes: the one that did best on the other jobs' held-out rows.

    So its own held-out score stays honest. Where there are no others, it takes its own best.

    Returns:
        `points`, each point's mean held-out log loss (`losses`, None where it diverged), the
        `chosen` one of each job, the `best` one over all.
    """
    losses = [float(np.mean([each.loss(at) for each in trained])) for at in range(len(points))]
    return {
        "points": [list(point) for point in points],
        "losses": [loss if math.isfinite(loss) else None for loss in losses],
        "chosen": [choice(each, trained, len(points)) for each in trained],
        "best": int(np.argmin(losses)),
    }


def write_job(folder: Path, trained: Trained, point: int) -> None:
    """Write a job's log and, last, its weights: the mark of a finished job."""
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint.trim_log(folder, 0)
    for record in trained.logs[point]:
        checkpoint.append_log(folder, record)
    checkpoint.save_weights(folder, trained.weights[point])


def train_probes(jobs: Sequence[Job], setting: Setting) -> list[Trained]:
    """Train the heads of all jobs through the epochs that lp-ft or gradual gives them alone.

    Raises:
        Diverged: it left no usable weights.
    """
    probe = replace(setting, recipe=probe_of(setting.recipe))
    return train_heads(jobs, probe, in_all=setting.recipe.epochs)


def write_probe(folder: Path, trained: Trained) -> None:
    """Write a job's log and, last, the state that the loop goes on from, as if it had come so far.

    The next phase begins with an optimiser of its own, and this one's is not kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint.trim_log(folder, 0)
    (log,), (model,), (judged,) = trained.logs, trained.unaveraged, trained.weights
    for record in log:
        checkpoint.append_log(folder, record)
    checkpoint.save_state(
        folder,
        {
            "epoch": len(log),
            "model": model,
            "judged": judged,
            "optimiser": {},
            "scaler": None,
            **Best.of(None).state(),
        },
    )


def _length(setting: Setting) -> Any:
    """How many rows of a job an epoch takes: jobs of one length go through their batches together."""
    return lambda job: len(epoch_order(setting.targets[job.rows], setting.recipe, (0, 0, 0)))


def choice(mine: Trained, trained: Sequence[Trained], points: int) -> int:
    """The point of the least loss on held-out rows that are not this job's."""
    assert mine.job.held_out is not None
    own = set(mine.job.held_out.tolist())
    others = [
        each
        for each in trained
        if each.job.held_out is not None and own.isdisjoint(each.job.held_out.tolist())
    ] or [mine]
    return int(np.argmin([np.mean([other.loss(at) for other in others]) for at in range(points)]))
