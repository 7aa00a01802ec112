"""Heads that are no linear layer: their outputs at every point of a grid, and themselves at one."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from common.inference.feature_table import Features
from common.models.tensor_heads import TensorHead
from common.targets import Target
from common.training.solved.boosting import boosted, boosted_on_grid
from common.training.solved.candidates import PENALTIES, SCALES, Point
from common.training.solved.neighbour_bank import neighbours, neighbours_on_grid
from common.training.solved.principal import Principal


def tensor_grid(
    head: str, rows: Principal, answers: npt.NDArray[Any], target: Target, features: Features
) -> Iterator[tuple[Point, Features]]:
    """Each point of a head's grid, and the outputs [V, M, O] of features [V, M, F] there.

    Args:
        answers: of the rows, classes [N] or what outputs mean [N, O]. The points name no features.
    """
    if head == "knn":
        bank = neighbours(rows, answers, target)
        for k, temperature, outputs in neighbours_on_grid(
            bank, PENALTIES[head], SCALES[head], features
        ):
            yield Point(k, temperature, head, ""), outputs
        return
    for leaves in PENALTIES[head]:
        trees = boosted(rows, answers, target, int(leaves), max(SCALES[head]))
        for rounds, outputs in boosted_on_grid(trees, SCALES[head], features):
            yield Point(leaves, rounds, head, ""), outputs


def tensor_head(
    point: Point, rows: Principal, answers: npt.NDArray[Any], target: Target, width: int
) -> TensorHead:
    """The head at a point, on all `width` features: those that it was not fitted on get no weight."""
    fit = neighbours if point.head == "knn" else boosted
    head: Any = fit(rows, answers, target, int(point.penalty), point.scale)
    weight = np.zeros((len(head.weight), width), np.float32)
    weight[:, rows.part.columns] = head.weight.numpy()
    head.weight = torch.from_numpy(weight)
    return head  # type: ignore[no-any-return]
