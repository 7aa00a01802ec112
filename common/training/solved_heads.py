"""Heads solved on cached features of a frozen backbone: every fold at every candidate, no epochs.

A head is standardised and solved on its own training rows; standardisation, and the factor that makes
chances of ridge's and LDA's outputs, are folded into a linear layer on all features, 0 for those not chosen
(`TENSOR_HEADS` are none). So a solved head is a job like any.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from common.data.folds import Rows
from common.environment import memory_mb
from common.errors import KitError
from common.inference.feature_table import FeatureTable
from common.inference.features import feature_table
from common.metrics import Probs
from common.models.joined_features import Block
from common.models.tensor_heads import TENSOR_HEADS
from common.training.jobs import Job
from common.training.linear_probe import apart, frozen_network
from common.training.run_context import RunContext
from common.training.solved.candidates import BY_STEPS, feature_choices, heads_of
from common.training.solved.choosing import Choice, Mix, SolvedHead, choice_lines, choose, leading
from common.training.solved.layers import Layers
from common.training.solved.stacking import stack_lines, stacked
from common.training.stacked_heads import TrainedHead


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
        self._layers = Layers(self.context, self.table, self.columns)

    def solve(self) -> Choice:
        """Each job's held-out losses, and the points and weights that the other jobs choose for it.

        The features are chosen with the first solver, then the solver on these. A stack weighs the solvers
        that need one decomposition on all features, and the others on those that are chosen.
        """
        solved = [SolvedHead(job) for job in self.jobs]
        heads = heads_of(self.context.recipe, self.context.target)
        stack = self.context.recipe.head == "stack"
        first = [head for head in heads if head not in BY_STEPS] if stack else heads[:1]
        later = [head for head in heads if head not in first] if len(self.columns) > 1 else []
        for name in self.columns:
            self._layers.judge(solved, name, first if later else heads, again=bool(later))
        others = [apart(each, solved) for each in solved]
        names = [choose(each).features for each in others]
        for name in dict.fromkeys(names) if later else ():
            self._layers.judge(solved, name, later)
        self._layers.forget_rows()
        judges: list[tuple[Sequence[SolvedHead], str]] = [*zip(others, names, strict=True)]
        *mixes, best = self._layers.side_by_side(self._mix, [*judges, (solved, "")], "weights")
        self._layers.complete(solved, mixes)
        return Choice(solved, mixes, best)

    def lines(self, choice: Choice) -> list[str]:
        """What was chosen, in words."""
        if self.context.recipe.head != "stack":
            return choice_lines(choice, self.context.recipe)
        singles = [{choose(apart(each, choice.heads)): 1.0} for each in choice.heads]
        fitted = [choice.best] * len(choice.heads)
        honest, single, in_sample = (
            float(np.mean(list(map(self._layers.loss, choice.heads, mixes))))
            for mixes in (choice.mixes, singles, fitted)
        )
        return stack_lines(choice, honest, single, in_sample)

    def trained(self, mixes: Sequence[Mix]) -> Iterator[TrainedHead]:
        """Each job's head of these points and weights, as a job writes it, with a log of one line."""

        def head(pair: tuple[Job, Mix]) -> TrainedHead:
            return self._trained(*pair)

        yield from self._layers.side_by_side(
            head, list(zip(self.jobs, mixes, strict=True)), "heads"
        )

    def probs(self, head: TrainedHead, rows: Rows) -> Probs:
        """What a trained head says of rows: [len(rows), C]."""
        start = f"{self.name}."
        own = {k: tensor for k, tensor in head.weights[0].items() if k.startswith(start)}
        return self._predicted({k.removeprefix(start): each for k, each in own.items()}, rows)

    def _predicted(self, tensors: Mapping[str, torch.Tensor], rows: Rows) -> Probs:
        kind = TENSOR_HEADS.get(self.context.recipe.head)
        if kind:
            return self._layers.predicted(kind(tensors), rows)
        layer = tensors["weight"].numpy(), tensors["bias"].numpy()
        return self._layers.predicted(layer, rows)

    def _mix(self, asked: tuple[Sequence[SolvedHead], str]) -> Mix:
        """The points and weights that some jobs' held-out rows choose, which chose these features."""
        judges, features = asked
        if self.context.recipe.head != "stack":
            return {choose(judges, features): 1.0}
        points = [
            point
            for point in leading(judges)
            if point.head not in BY_STEPS or features in ("", point.features)
        ]
        return stacked(judges, points, self._layers.held_out, self._layers.loss_of)

    def _tensors(self, job: Job, mix: Mix) -> dict[str, torch.Tensor]:
        """A job's head of these points and weights, on all features."""
        if self.context.recipe.head in TENSOR_HEADS:
            (point,) = mix
            return dict(self._layers.tensor_head(job, point).state_dict())
        outputs = len(self.context.target.outputs)
        weight, bias = np.zeros((outputs, self.table.width)), np.zeros(outputs)
        for point, share in mix.items():
            of_point = self._layers.of(job, point)
            weight[:, self.columns[point.features]] += share * point.scale * of_point[0]
            bias += share * point.scale * of_point[1]
        layer = {"weight": weight, "bias": bias}
        return {key: torch.from_numpy(each.astype(np.float32)) for key, each in layer.items()}

    def _trained(self, job: Job, mix: Mix) -> TrainedHead:
        tensors = self._tensors(job, mix)
        seconds = self._layers.seconds[job.name]
        fitted = self._layers.losses(self._predicted(tensors, job.labelled), job.labelled)
        record: dict[str, Any] = {
            "epoch": 1,
            "train_loss": float(fitted.mean()),
            "lr": 0.0,
            "seconds": seconds,
            "images_per_second": len(job.rows) / max(seconds, 1e-9),
            "peak_memory_mb": memory_mb(),
        }
        if job.held_out is not None:
            probs = self._predicted(tensors, job.held_out)
            record |= self.context.validated(probs, job.held_out)
        weights = self.state | {f"{self.name}.{key}": each for key, each in tensors.items()}
        return TrainedHead(job, [weights], [weights], [[record]])
