"""Linear probes on cached frozen-backbone features: all folds and a hyperparameter grid trained at once.

The features are computed once; an epoch is then a few small matrix products, stacked over the jobs.
Row order, batches, learning rates and losses are the training loop's, so results agree with it up to
rounding.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from common import randomness
from common.data.batches.batching import epoch_order
from common.inference.features import detach_head, features_of
from common.models.backbone import build
from common.models.network import Network
from common.recipe import Recipe
from common.training import checkpoint
from common.training.early_stopping import EarlyStopping
from common.training.jobs import Job
from common.training.loop import REMEDY, Diverged
from common.training.phases import linear_probe_recipe
from common.training.run_context import RunContext
from common.training.stacked_heads import GridPoint, TrainedHead, train_stack

# The recipe's own lr and weight decay; a grid starts with them.
RECIPE_POINT: tuple[GridPoint, ...] = ((1.0, 1.0),)
LR_FACTORS, DECAY_FACTORS = (1.0, 0.3, 3.0), (1.0, 0.1, 10.0)


def grid_of(recipe: Recipe) -> list[GridPoint]:
    """The recipe's grid (`head_grid`): factors of its lr and, unless it is 0, of its weight decay."""
    if recipe.head_grid == "none":
        return list(RECIPE_POINT)
    return [
        (rate, decay)
        for rate in LR_FACTORS
        for decay in (DECAY_FACTORS if recipe.weight_decay else RECIPE_POINT[0][:1])
    ]


def train_heads(
    jobs: Sequence[Job],
    context: RunContext,
    points: Sequence[GridPoint] = RECIPE_POINT,
    *,
    total_epochs: int = 0,
) -> list[TrainedHead]:
    """Train every job's head at every grid point, on features computed once.

    Args:
        total_epochs: epochs of the whole training, where these are only its first ones; 0: these are all.

    Raises:
        Diverged: no grid point has finite weights for a job.
    """
    name, heads, backbone, features = frozen_features(jobs, context)
    trained = []
    for _, equal in groupby(sorted(jobs, key=_epoch_length(context)), key=_epoch_length(context)):
        members = list(equal)
        trained += train_stack(
            members,
            context,
            features,
            [heads[job.name] for job in members],
            points,
            total_epochs=total_epochs or context.recipe.epochs,
        )
    backbone_state = {key: tensor.detach() for key, tensor in backbone.model.state_dict().items()}
    for each in trained:
        if not any(each.usable(at) for at in range(len(points))):
            raise Diverged(
                f"training diverged in {each.job.name}: its head is not finite. {REMEDY}"
            )
        for heads_of_points in (each.weights, each.unaveraged):
            for at, head in enumerate(heads_of_points):
                head_state = {f"{name}.{key}": tensor for key, tensor in head.items()}
                heads_of_points[at] = backbone_state | head_state
    return sorted(trained, key=lambda each: jobs.index(each.job))


def frozen_features(
    jobs: Sequence[Job], context: RunContext
) -> tuple[str, dict[str, nn.Module], Network, Tensor]:
    """`frozen_network`, and its features [N, F] of all images."""
    name, heads, backbone = frozen_network(jobs, context)
    features = features_of(
        backbone, context.source, context.store, "identity", cache=context.cache
    )[0]
    return name, heads, backbone, features


def frozen_network(
    jobs: Sequence[Job], context: RunContext
) -> tuple[str, dict[str, nn.Module], Network]:
    """The head's name, each job's new head, and the backbone without a head."""
    heads: dict[str, nn.Module] = {}
    name, backbones = "", list[nn.Module]()
    for job in jobs:
        torch.manual_seed(randomness.seed_of(randomness.WEIGHTS, job.seed, job.fold))
        model = build(context.recipe, context.target.outputs)
        name, heads[job.name] = detach_head(model)
        backbones = backbones or [model]
    return name, heads, context.network(backbones[0])


class OfJob(Protocol):
    """What a job has made."""

    @property
    def job(self) -> Job: ...


J = TypeVar("J", bound=OfJob)


def choose_points(trained: Sequence[TrainedHead], points: Sequence[GridPoint]) -> dict[str, Any]:
    """Choose each job's grid point by the other jobs' held-out log loss (cross-fitting).

    So its own held-out score stays unbiased. A single job takes the best on its own rows.

    Returns:
        `points`; `losses`: each point's mean held-out log loss, None where it diverged; `chosen`: each
        job's point; `best`: the best point over all jobs.
    """
    losses = [float(np.mean([each.loss(at) for each in trained])) for at in range(len(points))]
    return {
        "points": [list(point) for point in points],
        "losses": [loss if math.isfinite(loss) else None for loss in losses],
        "chosen": [choose_point(each, trained, len(points)) for each in trained],
        "best": int(np.argmin(losses)),
    }


def write_job(folder: Path, trained: TrainedHead, point: int) -> None:
    """Write a job's log and, last, its weights, which mark the job as finished."""
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint.trim_log(folder, 0)
    for record in trained.logs[point]:
        checkpoint.append_log(folder, record)
    checkpoint.save_weights(folder, trained.weights[point])


def train_probes(jobs: Sequence[Job], context: RunContext) -> list[TrainedHead]:
    """Train all jobs' heads through the head-only epochs of freeze=lp-ft or gradual.

    Raises:
        Diverged: a head's weights are not finite.
    """
    probe = replace(context, recipe=linear_probe_recipe(context.recipe))
    return train_heads(jobs, probe, total_epochs=context.recipe.epochs)


def write_probe(folder: Path, trained: TrainedHead) -> None:
    """Write a job's log and, last, a resume checkpoint from which the training loop continues.

    The optimiser is left out: the next phase starts with a new one.
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
            **EarlyStopping.from_state(None).state(),
        },
    )


def _epoch_length(context: RunContext) -> Any:
    """A job to its rows per epoch: jobs with equally many share their batches."""
    return lambda job: len(epoch_order(context.strata[job.rows], context.recipe, (0, 0, 0)))


def choose_point(mine: TrainedHead, trained: Sequence[TrainedHead], points: int) -> int:
    """The grid point with the lowest mean held-out loss of the jobs `apart` from `mine`."""
    others = apart(mine, trained)
    return int(np.argmin([np.mean([other.loss(at) for other in others]) for at in range(points)]))


def apart(mine: J, trained: Sequence[J]) -> list[J]:
    """The jobs that share no held-out row with `mine`; itself, if there is none."""
    assert mine.job.held_out is not None
    own = set(mine.job.held_out.tolist())
    return [
        each
        for each in trained
        if each.job.held_out is not None and own.isdisjoint(each.job.held_out.tolist())
    ] or [mine]
