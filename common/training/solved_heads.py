"""Heads solved on cached features of a frozen backbone: every fold at every penalty, no epochs.

A head is standardised and solved on its own training rows; standardisation, and the factor that makes
chances of ridge's and LDA's outputs, are folded into a linear layer. So a solved head is a job like any.
"""

import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from threadpoolctl import threadpool_limits
from torch import nn

from common.data.folds import Rows
from common.data.parallel import cores, in_order
from common.environment import memory_mb
from common.errors import KitError
from common.inference.features import features_of
from common.inference.predict import mean_probs
from common.metrics import Probs
from common.models.activations import activation_of
from common.progress import counted, tracked
from common.recipe import Recipe
from common.recipe_values import differences
from common.targets import Target
from common.training.jobs import Job
from common.training.linear_probe import frozen_features
from common.training.linear_solvers import (
    Layer,
    Principal,
    lda_path,
    logistic_path,
    principal,
    ridge_path,
)
from common.training.run_context import RunContext
from common.training.stacked_heads import GridPoint, TrainedHead
from common.training.updates.loss import loss_name

Features = npt.NDArray[np.float32]  # [V, N, F]: of each view of every image

# What a penalty is called, from the strongest on: scikit-learn's names and scales.
PENALTY = {"logistic": "C", "ridge": "alpha", "lda": "shrinkage"}
PENALTIES = {
    "logistic": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 1.0),
    "ridge": (1e5, 3e4, 1e4, 3e3, 1e3, 3e2, 1e2, 3e1, 1e1),
    "lda": (0.95, 0.9, 0.8, 0.65, 0.5, 0.35, 0.2, 0.1, 0.03),
}
# Ridge's outputs are near -1 and 1, and LDA's too sure of themselves with few rows.
SCALES = {
    "logistic": (1.0,),
    "ridge": (1.0, 2.0, 4.0, 8.0, 16.0, 32.0),
    "lda": (1.0, 0.5, 0.25, 0.12, 0.06, 0.03, 0.015),
}
# What an epoch of training is told and a solver is not asked.
OF_EPOCHS = (
    "batch_size epochs ema_decay head_lr_scale layer_decay lr min_lr_ratio momentum norm_bias_lr_scale "
    "optimizer schedule warmup_ratio weight_decay"
)
BYTES_AT_ONCE = 1e9  # of training rows, of which each core holds a copy or two


@dataclass(frozen=True)
class SolvedHead:
    """A job's layer for every penalty, its held-out loss at every grid point (penalty, scale).

    Penalties after the loss has risen twice are not tried: their loss is inf.
    """

    job: Job
    name: str  # of the head in the network
    backbone: dict[str, torch.Tensor]
    layers: dict[float, Layer]
    losses: dict[GridPoint, float]
    points: Sequence[GridPoint]
    seconds: float

    def loss(self, point: int) -> float:
        """The held-out log loss at a grid point."""
        return self.losses[self.points[point]]

    def at(self, point: int, context: RunContext, features: Features) -> TrainedHead:
        """The head at one grid point as a job writes it, with a log of one line."""
        penalty, scale = self.points[point]
        # Weaker than what this job tried: the others chose it.
        layer = self.layers.get(penalty) or next(_path(self.job, context, features, [penalty]))
        tensors = {
            f"{self.name}.{key}": torch.from_numpy((scale * each).astype(np.float32))
            for key, each in zip(("weight", "bias"), layer, strict=True)
        }
        rows, held_out = self.job.rows, self.job.held_out
        fitted = _probs(layer, scale, features[:, rows], context)
        record = {
            "epoch": 1,
            "train_loss": _loss(fitted, rows, context),
            "lr": 0.0,
            "seconds": self.seconds,
            "images_per_second": len(rows) / max(self.seconds, 1e-9),
            "peak_memory_mb": memory_mb(),
        }
        if held_out is not None:
            probs = _probs(layer, scale, features[:, held_out], context)
            record |= context.validated(probs, held_out)
        weights = self.backbone | tensors
        return TrainedHead(self.job, [weights], [weights], [[record]])


def points_of(head: str, target: Target) -> list[GridPoint]:
    """The grid of a solver: its penalties, and factors of the outputs where these become chances."""
    scales = (1.0,) if target.scaling[1] else SCALES[head]
    return [(penalty, scale) for penalty in PENALTIES[head] for scale in scales]


def unused_text(recipe: Recipe) -> str:
    """The fields of the recipe that mean nothing to a solved head, in a sentence; '' without any."""
    given = differences(recipe, ("train",))
    unused = [f"{name}={given[name]}" for name in OF_EPOCHS.split() if name in given]
    told = " ".join(each for each in unused if each != "epochs=1")
    return f"head={recipe.head} is solved, not trained: {told} changes nothing" if told else ""


def penalties_text(head: str, chosen: Sequence[float]) -> str:
    """The penalties that the folds have, in words: 'head=ridge: alpha = 1000 (4 folds), 300 (1 fold)'."""
    if len(chosen) == 1:
        return f"head={head}: {PENALTY[head]} = {chosen[0]:g}, the best of its one fold"
    counts = Counter(chosen).most_common()
    each = ", ".join(f"{value:g} ({counted(count, 'fold')})" for value, count in counts)
    return f"head={head}: {PENALTY[head]} = {each}, each chosen by the other folds' held-out loss"


def solve_heads(
    jobs: Sequence[Job], context: RunContext, points: Sequence[GridPoint]
) -> tuple[list[SolvedHead], Features]:
    """Solve every job's head at every grid point; also the features, which `SolvedHead.at` asks for.

    Jobs are solved side by side, each on one thread: the result is that of one core, bit by bit.

    Raises:
        KitError: the network's head is not one linear layer with a bias.
    """
    name, heads, backbone, found = frozen_features(jobs[:1], context)
    head = heads[jobs[0].name]
    if not isinstance(head, nn.Linear) or head.bias is None:
        raise KitError(
            f"head={context.recipe.head} makes a linear layer with a bias, and the head of "
            f"backbone={context.recipe.backbone} is none: set head=linear"
        )
    others = [
        features_of(backbone, context.source, context.store, group, cache=context.cache)
        for group in context.recipe.head_views.split("+")[1:]
    ]
    features = torch.cat([found[None], *others]).cpu().numpy()
    state = {key: tensor.detach() for key, tensor in backbone.model.state_dict().items()}

    def solved(job: Job) -> SolvedHead:
        begun = time.perf_counter()
        penalties = list(dict.fromkeys(penalty for penalty, _ in points))
        layers: dict[float, Layer] = {}
        losses = dict.fromkeys(points, math.inf)
        for penalty, layer in zip(penalties, _path(job, context, features, penalties), strict=True):
            layers[penalty] = layer
            if job.held_out is None:
                continue
            for scale in (scale for each, scale in points if each == penalty):
                probs = _probs(layer, scale, features[:, job.held_out], context)
                losses[penalty, scale] = _loss(probs, job.held_out, context)
            if context.recipe.head == "logistic" and _rises([losses[p, 1.0] for p in layers]):
                break  # weaker penalties overfit more, and take longest
        spent = time.perf_counter() - begun
        return SolvedHead(job, name, state, layers, losses, list(points), spent)

    together = max(1, min(cores(), int(BYTES_AT_ONCE / (8 * features.size))))
    with threadpool_limits(1):
        done = in_order(
            solved, tracked(list(jobs), f"solving {len(jobs)} heads", "heads"), together
        )
        return list(done), features


def _rises(losses: list[float]) -> bool:
    """Are the last two above the least of all before?"""
    return len(losses) > 2 and min(losses[-2:]) > min(losses[:-2])


def _path(
    job: Job, context: RunContext, features: Features, penalties: Sequence[float]
) -> Iterator[Layer]:
    """A job's layer on the features at each penalty; every view of an image is a row."""
    head, target, views = context.recipe.head, context.target, len(features)
    x = features[:, job.rows].reshape(-1, features.shape[2])
    answers = np.concatenate([context.loss_targets[job.rows]] * views)
    outputs = len(target.outputs)
    if head == "lda":
        rows = principal(x)
        yield from map(rows.unfold, lda_path(rows, answers, outputs, penalties))
        return
    classes = answers.ndim == 1
    y = np.eye(outputs)[answers] if classes else answers.astype(np.float64)
    if head == "logistic":
        rows = principal(x)
        yield from map(rows.unfold, logistic_path(rows, y, penalties, one_of=classes))
        return
    y = y if target.scaling[1] else 2 * y - 1
    alike = _alike(y)
    for parts in zip(*(_ridge(x, y, columns, penalties) for columns in alike), strict=True):
        weight, bias = np.zeros((outputs, x.shape[1])), np.zeros(outputs)
        for columns, part in zip(alike, parts, strict=True):
            weight[columns], bias[columns] = part
        yield weight, bias


def _ridge(
    features: Features, y: npt.NDArray[np.float64], columns: list[int], penalties: Sequence[float]
) -> Iterator[Layer]:
    """Ridge of columns that know the same rows; a column that knows none predicts 0, its mean."""
    known = np.isfinite(y[:, columns[0]])
    if not known.any():
        empty = np.zeros((len(columns), features.shape[1])), np.zeros(len(columns))
        yield from (empty for _ in penalties)
        return
    rows: Principal = principal(features[known])
    yield from map(rows.unfold, ridge_path(rows, y[known][:, columns], penalties))


def _alike(y: npt.NDArray[np.float64]) -> list[list[int]]:
    """The columns of answers by which rows they know."""
    groups: dict[bytes, list[int]] = {}
    for column in range(y.shape[1]):
        groups.setdefault(np.isfinite(y[:, column]).tobytes(), []).append(column)
    return list(groups.values())


def _probs(layer: Layer, scale: float, features: Features, context: RunContext) -> Probs:
    """Features [V, M, F] to probs, averaged over views: [M, C]."""
    weight, bias = (torch.from_numpy((scale * each).astype(np.float32)) for each in layer)
    activation = activation_of(context.target, loss_name(context.recipe, context.target))
    return mean_probs(torch.from_numpy(features) @ weight.T + bias, activation)


def _loss(probs: Probs, rows: Rows, context: RunContext) -> float:
    return float(context.target.row_losses(probs, context.targets[rows]).mean())
