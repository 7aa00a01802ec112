"""Layers of jobs' heads at every point that is tried, solved on a table of features, and their losses."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from threadpoolctl import threadpool_limits

from common.data.folds import Rows
from common.data.parallel import cores, in_order
from common.inference.feature_table import Features, FeatureTable
from common.inference.predict import mean_probs
from common.metrics import Probs
from common.models.activations import activation_of
from common.models.tensor_heads import TENSOR_HEADS, TensorHead
from common.progress import tracked
from common.training.jobs import Job
from common.training.run_context import RunContext
from common.training.solved.candidates import BY_STEPS, PENALTIES, Point, scales_of
from common.training.solved.choosing import Mix, SolvedHead
from common.training.solved.decompositions import Decompositions
from common.training.solved.paths import path_of
from common.training.solved.principal import Columns, Layer, Principal
from common.training.solved.shelf import Shelf
from common.training.solved.tensor_grids import tensor_grid, tensor_head
from common.training.updates.loss import loss_name

T = TypeVar("T")

BYTES_AT_ONCE = 1e9  # of training rows, of which each core holds a copy or two
BYTES_KEPT = 5e8  # of layers and decompositions in memory; more of them lie in files


class Layers:
    """Of jobs, by points; each is solved on one thread, bit by bit the same.

    Attributes:
        columns: of the table, by the name of the features.
        seconds: of solving, by the job's name.
    """

    def __init__(
        self, context: RunContext, table: FeatureTable, columns: Mapping[str, Columns]
    ) -> None:
        self.context, self.table, self.columns = context, table, columns
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._shelf = Shelf(BYTES_KEPT)
        self._decompositions = Decompositions(table, columns, self._shelf)
        self._solved: dict[tuple[str, Point], Layer] = {}  # before its scale

    def judge(
        self, solved: Sequence[SolvedHead], name: str, heads: Sequence[str], *, again: bool = False
    ) -> None:
        """Note every job's held-out losses of these solvers on the features of that name, and the layers.

        With `again` the decompositions are kept for other solvers.
        """

        def judge(each: SolvedHead) -> None:
            job, begun = each.job, time.perf_counter()
            rows, held_out = self._decompositions.of(job, name, keep=again), job.held_out
            assert held_out is not None
            features = self.table.take(held_out, self.columns[name])
            for head in heads:
                if head in TENSOR_HEADS:
                    of = (head, rows, self._answers(job, rows), self.context.target, features)
                    for point, outputs in tensor_grid(*of):
                        losses = self.losses(self._probs(outputs), held_out)
                        each.losses[point._replace(features=name)] = losses
                    continue
                best: list[float] = []
                for penalty, layer in zip(
                    PENALTIES[head], self._path(job, rows, head, PENALTIES[head]), strict=True
                ):
                    scales = scales_of(head, self.context.target)
                    points = [Point(penalty, scale, head, name) for scale in scales]
                    outputs = _outputs(self._keep(job, points[0], layer), features)
                    for point in points:
                        probs = self._probs(point.scale * outputs)
                        each.losses[point] = self.losses(probs, held_out)
                    best.append(min(map(each.loss, points)))
                    if head in BY_STEPS and _rises(best):
                        break  # weaker penalties overfit more, and take longest
            self.seconds[job.name] += time.perf_counter() - begun

        self._decompositions.know([each.job for each in solved], name)
        for _ in self.side_by_side(judge, solved, f"folds on {name}"):
            pass

    def complete(self, solved: Sequence[SolvedHead], mixes: Sequence[Mix]) -> None:
        """Note the held-out losses of jobs at points that others chose for them and they did not try."""

        def note(pair: tuple[SolvedHead, Mix]) -> None:
            each, mix = pair
            assert each.job.held_out is not None
            for point in [point for point in mix if point not in each.losses]:
                probs = self._probs(self.held_out(each, point))
                each.losses[point] = self.losses(probs, each.job.held_out)

        pairs = zip(solved, mixes, strict=True)
        missing = [(each, mix) for each, mix in pairs if not mix.keys() <= each.losses.keys()]
        if missing:
            for _ in self.side_by_side(note, missing, "what others chose"):
                pass
            self.forget_rows()

    def forget_rows(self) -> None:
        """Drop the decompositions, which no solver needs any more."""
        self._decompositions.forget()

    def held_out(self, each: SolvedHead, point: Point) -> Features:
        """A job's outputs at a point for its held-out rows: [V, M, O]."""
        assert each.job.held_out is not None
        features = self.table.take(each.job.held_out, self.columns[point.features])
        return np.float32(point.scale) * _outputs(self.of(each.job, point), features)

    def loss(self, each: SolvedHead, mix: Mix) -> float:
        """A job's mean held-out loss at these points and weights."""
        parts = [np.float64(w) * self.held_out(each, point) for point, w in mix.items()]
        return self.loss_of(each, np.sum(parts, axis=0))

    def loss_of(self, each: SolvedHead, outputs: npt.NDArray[Any]) -> float:
        """A job's mean loss of outputs for its held-out rows."""
        assert each.job.held_out is not None
        targets = self.context.targets[each.job.held_out]
        return float(self.context.target.row_losses(self._probs(outputs), targets).mean())

    def _keep(self, job: Job, point: Point, layer: Layer) -> Layer:
        """A layer as it is kept for the job's head and for stacks: float32."""
        weight, bias = (self._shelf.keep(each.astype(np.float32)) for each in layer)
        self._solved[job.name, point._replace(scale=1.0)] = weight, bias
        return weight, bias

    def of(self, job: Job, point: Point) -> Layer:
        """A job's layer at a point, before its scale; that of a job that was not judged is solved."""
        kept = self._solved.get((job.name, point._replace(scale=1.0)))
        if kept is not None:
            return kept
        begun, rows = time.perf_counter(), self._decompositions.of(job, point.features, keep=True)
        solved = next(self._path(job, rows, point.head, [point.penalty]))
        self.seconds[job.name] += time.perf_counter() - begun
        return self._keep(job, point, solved)

    def _path(
        self, job: Job, rows: Principal, head: str, penalties: Sequence[float]
    ) -> Iterator[Layer]:
        """A job's layer on the features at each penalty."""
        answers, one_of = self._answers(job, rows), self.context.loss_targets.ndim == 1
        return path_of(head, rows, answers, self.context.target, penalties, one_of=one_of)

    def _answers(self, job: Job, rows: Principal) -> npt.NDArray[Any]:
        """What the outputs of a job's training rows, under each view, are to be."""
        answers: npt.NDArray[Any] = self.context.answers_of(job)[rows.part.places]
        return answers

    def tensor_head(self, job: Job, point: Point) -> TensorHead:
        """A job's head at a point where it is no linear layer."""
        begun, rows = time.perf_counter(), self._decompositions.of(job, point.features)
        answers, target = self._answers(job, rows), self.context.target
        head = tensor_head(point, rows, answers, target, self.table.width)
        self.seconds[job.name] += time.perf_counter() - begun
        return head

    def side_by_side(
        self, work: Callable[[T], Any], tasks: Sequence[T], label: str
    ) -> Iterator[Any]:
        """The work on each task in order, as many at a time as cores and memory allow."""
        size = 8 * self.table.views * self.table.count * self.table.width
        together = max(1, min(cores(), int(BYTES_AT_ONCE / size)))
        with threadpool_limits(1):
            yield from in_order(work, tracked(tasks, f"solving {label}", "heads"), together)

    def predicted(self, layer: Layer | TensorHead, rows: Rows) -> Probs:
        """What a layer or head on all features says of rows: [len(rows), C]."""
        parts = [self.table.take(rows[places]) for places in self.table.chunks(rows)]
        return np.concatenate([self._probs(_outputs(layer, part)) for part in parts])

    def _probs(self, outputs: npt.NDArray[Any]) -> Probs:
        """Outputs [V, M, O] to probs, averaged over views: [M, C]."""
        target = self.context.target
        activation = activation_of(target, loss_name(self.context.recipe, target))
        return mean_probs(torch.from_numpy(outputs), activation)

    def losses(self, probs: Probs, rows: Rows) -> npt.NDArray[np.float32]:
        """The loss of each row."""
        losses = self.context.target.row_losses(probs, self.context.targets[rows])
        return np.asarray(losses, np.float32)


@torch.inference_mode()
def _outputs(layer: Layer | TensorHead, features: Features) -> Features:
    """Features [V, M, F] to outputs [V, M, O]."""
    if isinstance(layer, TensorHead):
        outputs: Features = layer(torch.from_numpy(features)).numpy()
        return outputs
    weight, bias = (each.astype(np.float32) for each in layer)
    return features @ weight.T + bias


def _rises(losses: list[float]) -> bool:
    """Are the last two above the least of all before?"""
    return len(losses) > 2 and min(losses[-2:]) > min(losses[:-2])
