"""A stack of solved heads: weights of their outputs that sum to 1, fitted on held-out rows; words about it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from common.inference.blend import least_on_simplex
from common.inference.feature_table import Features
from common.training.solved.candidates import Point
from common.training.solved.choosing import Choice, Mix, SolvedHead

# A job and outputs [V, M, O] for its held-out rows to its mean loss.
Loss = Callable[[SolvedHead, npt.NDArray[Any]], float]


def stacked(
    judges: Sequence[SolvedHead],
    points: Sequence[Point],
    outputs_of: Callable[[SolvedHead, Point], Features],
    loss_of: Loss,
) -> Mix:
    """The weights of points that serve the judges' held-out rows best.

    Linear layers add up, so that a stack is one linear layer again.
    """
    outputs = [  # float64, for differences as small as the solver's
        np.stack([outputs_of(each, point) for point in points], dtype=np.float64) for each in judges
    ]

    def loss(weights: npt.NDArray[np.float64]) -> float:
        pairs = zip(judges, outputs, strict=True)
        return float(np.mean([loss_of(each, np.tensordot(weights, z, 1)) for each, z in pairs]))

    weights = least_on_simplex(loss, len(points)) if len(points) > 1 else np.ones(1)
    pairs = zip(points, weights, strict=True)
    return {point: float(weight) for point, weight in pairs if weight}


def stack_lines(choice: Choice, honest: float, single: float, fitted: float) -> list[str]:
    """The weights that the folds gave, and how well they did.

    Args:
        honest: the mean held-out loss at each fold's own weights.
        single: that at the one point that the other folds choose.
        fitted: that at the weights of all folds, of the rows that these were fitted to.
    """
    told = "; ".join(
        ", ".join(f"{name} {_range(w)}" for name, w in _shares(choice, kind).items() if any(w))
        for kind in ("head", "features")
    )
    if len(choice.mixes) == 1:
        return [f"head=stack: {told}; fitted on its one fold"]
    return [
        f"head=stack: {told}; each fold's weights fitted on the other folds' held-out rows",
        f"held-out loss {honest:.4f}; of one candidate alone, chosen by the other folds, "
        f"{single:.4f}; of weights fitted on all folds, in-sample and so optimistic, {fitted:.4f}",
    ]


def _shares(choice: Choice, kind: str) -> dict[str, list[float]]:
    """Each solver's weight in every fold, or that of each choice of features, by name."""
    points = [point for each in choice.heads for point in each.losses]
    return {
        name: [
            sum(w for point, w in mix.items() if getattr(point, kind) == name)
            for mix in choice.mixes
        ]
        for name in dict.fromkeys(getattr(point, kind) for point in points)
    }


def _range(weights: Sequence[float]) -> str:
    low, high = (f"{each:.2f}" for each in (min(weights), max(weights)))
    return low if low == high else f"{low} to {high}"
