"""Heads solved on cached features of a frozen backbone: every fold at every candidate, no epochs.

A head is standardised and solved on its own training rows; standardisation, and the factor that makes
chances of ridge's and LDA's outputs, are folded into a linear layer on all features, 0 for those not chosen.
So a solved head is a job like any.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from threadpoolctl import threadpool_limits
from torch import nn

from common.data.folds import Rows
from common.data.parallel import cores, in_order
from common.environment import memory_mb
from common.errors import KitError
from common.inference.backbone_features import feature_table
from common.inference.feature_table import Features, FeatureTable
from common.inference.predict import mean_probs
from common.metrics import Probs
from common.models.activations import activation_of
from common.models.joined_features import Block
from common.progress import tracked
from common.training.jobs import Job
from common.training.linear_probe import apart, frozen_network
from common.training.run_context import RunContext
from common.training.solved.candidates import (
    BY_STEPS,
    PENALTIES,
    Point,
    feature_choices,
    heads_of,
    scales_of,
)
from common.training.solved.choosing import SolvedHead, choose
from common.training.solved.paths import path_of
from common.training.solved.principal import Layer, Moments, Part, Principal, moments, principal
from common.training.stacked_heads import TrainedHead
from common.training.updates.loss import loss_name

T = TypeVar("T")

BYTES_AT_ONCE = 1e9  # of training rows, of which each core holds a copy or two
BYTES_KEPT = 5e8  # of decompositions, which the choice and the heads that are chosen share


def open_solver(jobs: Sequence[Job], context: RunContext) -> "HeadSolver":
    """The jobs' solver, on the features of all images, which are computed where they are not cached.

    Raises:
        KitError: the network's head is not one linear layer with a bias.
    """
    name, heads, backbone = frozen_network(jobs[:1], context)
    head = heads[jobs[0].name]
    if not isinstance(head, nn.Linear) or head.bias is None:
        raise KitError(
            f"head={context.recipe.head} makes a linear layer with a bias, and the head of "
            f"backbone={context.recipe.backbone} is none: set head=linear"
        )
    groups = context.recipe.head_views.split("+")
    table = feature_table(backbone, context.source, context.store, groups, cache=context.cache)
    state = {key: tensor.detach() for key, tensor in backbone.model.state_dict().items()}
    blocks = getattr(backbone.model, "blocks", [Block(0, 0, "mean", table.width)])
    return HeadSolver(jobs, context, table, blocks, name, state)


@dataclass
class HeadSolver:
    """The heads of all jobs on one table of features; each is solved on one thread, bit by bit the same.

    Attributes:
        blocks: of the table's columns.
        name, state: of the head in the network, and the network's other tensors.
    """

    jobs: Sequence[Job]
    context: RunContext
    table: FeatureTable
    blocks: Sequence[Block]
    name: str = "head"
    state: dict[str, torch.Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.columns = feature_choices(self.blocks, self.context.recipe)
        self._kept: dict[str, Principal] = {}
        self._known: dict[str, Moments] = {}  # of all rows, if these are more than the features

    def solve(self) -> tuple[list[SolvedHead], list[Point]]:
        """Each job's held-out losses, and the point that the other jobs' choose for it.

        The features are chosen with the first solver, then the solver on these.
        """
        solved = [SolvedHead(job) for job in self.jobs]
        heads = heads_of(self.context.recipe, self.context.target)
        several = len(self.columns) > 1
        for name in self.columns:
            self._judge(solved, name, heads[:1] if several else heads)
        others = [apart(each, solved) for each in solved]
        names = [choose(each).features for each in others]
        if several and heads[1:]:
            for name in dict.fromkeys(names):
                self._judge(solved, name, heads[1:])
        return solved, [choose(*each) for each in zip(others, names, strict=True)]

    def trained(self, points: Sequence[Point]) -> Iterator[TrainedHead]:
        """Each job's head at its point, as a job writes it, with a log of one line."""

        def head(pair: tuple[Job, Point]) -> TrainedHead:
            return self._trained(*pair)

        for point in dict.fromkeys(points):
            self._know(point.features)
        yield from self._side_by_side(head, list(zip(self.jobs, points, strict=True)), "heads")

    def probs(self, head: TrainedHead, rows: Rows) -> Probs:
        """What a trained head says of rows: [len(rows), C]."""
        weight, bias = (head.weights[0][f"{self.name}.{key}"] for key in ("weight", "bias"))
        return self._predicted((weight.numpy(), bias.numpy()), rows)

    def _judge(self, solved: Sequence[SolvedHead], name: str, heads: Sequence[str]) -> None:
        """Note every job's held-out losses of these solvers on the features of that name."""

        def judge(each: SolvedHead) -> None:
            job = each.job
            rows, held_out = self._principal(job, name), job.held_out
            assert held_out is not None
            features = self.table.take(held_out, self.columns[name])
            for head in heads:
                best: list[float] = []
                for penalty, layer in zip(
                    PENALTIES[head], self._path(job, rows, head, PENALTIES[head]), strict=True
                ):
                    outputs = _outputs(layer, features)
                    scales = scales_of(head, self.context.target)
                    points = [Point(penalty, scale, head, name) for scale in scales]
                    for point in points:
                        probs = self._probs(point.scale * outputs)
                        each.losses[point] = self._losses(probs, held_out)
                    best.append(min(map(each.loss, points)))
                    if head in BY_STEPS and _rises(best):
                        break  # weaker penalties overfit more, and take longest

        self._know(name)
        for _ in self._side_by_side(judge, solved, f"folds on {name}"):
            pass
        self._known.pop(name, None)

    def _know(self, name: str) -> None:
        """Form the moments of all rows, if a job has more rows than features of that name."""
        part = Part(self.table, np.arange(self.table.count), self.columns[name])
        if min(len(job.rows) for job in self.jobs) * self.table.views >= part.width:
            self._known[name] = moments(part)

    def _principal(self, job: Job, name: str) -> Principal:
        """A job's training rows, on the features of that name."""
        part = Part(self.table, job.rows, self.columns[name])
        if job.name in self._kept:
            return self._kept[job.name]
        known = self._known.get(name)
        others = np.setdiff1d(np.arange(self.table.count), job.rows)
        if len(others) + len(job.rows) != self.table.count:
            known = None  # a row comes twice
        if known is not None and len(others):
            left_out = Part(self.table, others, self.columns[name])
            known = known.without(moments(left_out, known.origin))
        rows = principal(part, known)
        if len(self.columns) == 1 and len(self.jobs) * self._bytes_of(rows) < BYTES_KEPT:
            self._kept[job.name] = rows
        return rows

    def _bytes_of(self, rows: Principal) -> int:
        """What a decomposition holds once every solver has used it."""
        heads = heads_of(self.context.recipe, self.context.target)
        return rows.basis.nbytes + ("logistic" in heads) * rows.coordinate_bytes

    def _path(
        self, job: Job, rows: Principal, head: str, penalties: Sequence[float]
    ) -> Iterator[Layer]:
        """A job's layer on the features at each penalty."""
        answers, one_of = self.context.answers_of(job), self.context.loss_targets.ndim == 1
        target = self.context.target
        return path_of(head, rows, answers[rows.part.places], target, penalties, one_of=one_of)

    def _trained(self, job: Job, point: Point) -> TrainedHead:
        begun = time.perf_counter()
        rows = self._principal(job, point.features)
        solved, bias = next(self._path(job, rows, point.head, [point.penalty]))
        weight = np.zeros((len(bias), self.table.width))
        weight[:, self.columns[point.features]] = solved
        layer = (point.scale * weight, point.scale * bias)
        tensors = {
            f"{self.name}.{key}": torch.from_numpy(each.astype(np.float32))
            for key, each in zip(("weight", "bias"), layer, strict=True)
        }
        seconds = time.perf_counter() - begun
        fitted = self._losses(self._predicted(layer, job.labelled), job.labelled)
        record: dict[str, Any] = {
            "epoch": 1,
            "train_loss": float(fitted.mean()),
            "lr": 0.0,
            "seconds": seconds,
            "images_per_second": len(job.rows) / max(seconds, 1e-9),
            "peak_memory_mb": memory_mb(),
        }
        if job.held_out is not None:
            probs = self._predicted(layer, job.held_out)
            record |= self.context.validated(probs, job.held_out)
        weights = self.state | tensors
        return TrainedHead(job, [weights], [weights], [[record]])

    def _side_by_side(
        self, work: Callable[[T], Any], tasks: Sequence[T], label: str
    ) -> Iterator[Any]:
        """The work on each task in order, as many at a time as cores and memory allow."""
        size = 8 * self.table.views * self.table.count * self.table.width
        together = max(1, min(cores(), int(BYTES_AT_ONCE / size)))
        with threadpool_limits(1):
            yield from in_order(work, tracked(tasks, f"solving {label}", "heads"), together)

    def _predicted(self, layer: Layer, rows: Rows) -> Probs:
        parts = [self.table.take(rows[places]) for places in self.table.chunks(rows)]
        return np.concatenate([self._probs(_outputs(layer, part)) for part in parts])

    def _probs(self, outputs: Features) -> Probs:
        """Outputs [V, M, O] to probs, averaged over views: [M, C]."""
        target = self.context.target
        activation = activation_of(target, loss_name(self.context.recipe, target))
        return mean_probs(torch.from_numpy(outputs), activation)

    def _losses(self, probs: Probs, rows: Rows) -> npt.NDArray[np.float32]:
        losses = self.context.target.row_losses(probs, self.context.targets[rows])
        return np.asarray(losses, np.float32)


def _outputs(layer: Layer, features: Features) -> Features:
    """Features [V, M, F] to outputs [V, M, O]."""
    weight, bias = (each.astype(np.float32) for each in layer)
    return features @ weight.T + bias


def _rises(losses: list[float]) -> bool:
    """Are the last two above the least of all before?"""
    return len(losses) > 2 and min(losses[-2:]) > min(losses[:-2])
