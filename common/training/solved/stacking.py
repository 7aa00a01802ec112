"""A stack of solved heads: weights of their outputs that sum to 1, fitted on held-out rows; words about it."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from common.inference.blend import least_on_simplex
from common.inference.feature_table import Features
from common.training.solved.candidates import Point
from common.training.solved.choosing import Choice, Mix, SolvedHead, leading

# A job and outputs [V, M, O] for its held-out rows to its mean loss.
Loss = Callable[[SolvedHead, Features], float]


def stacked(
    judges: Sequence[SolvedHead],
    features: str,
    outputs_of: Callable[[SolvedHead, Point], Features],
    loss_of: Loss,
) -> Mix:
    """The weights of each solver's best point on some features that serve the judges' held-out rows best.

    Linear layers add up, so that a stack is one linear layer again.
    """
    points = leading(judges, features)
    outputs = [[outputs_of(each, point) for point in points] for each in judges]

    def loss(weights: npt.NDArray[np.float64]) -> float:
        return float(np.mean([loss_of(*each) for each in zip(judges, mixed(weights), strict=True)]))

    def mixed(weights: npt.NDArray[np.float64]) -> list[Features]:
        return [sum(w * z for w, z in zip(weights, of_one, strict=True)) for of_one in outputs]

    weights = least_on_simplex(loss, len(points)) if len(points) > 1 else [1.0]
    pairs = zip(points, weights, strict=True)
    return {point: float(weight) for point, weight in pairs if weight}


def stack_lines(choice: Choice, single: float) -> list[str]:
    """The weights that the folds gave, and how well they did; `single`: the loss of head=best's choice."""
    heads = list(dict.fromkeys(point.head for each in choice.heads for point in each.losses))
    shares = {
        head: [sum(w for point, w in mix.items() if point.head == head) for mix in choice.mixes]
        for head in heads
    }
    told = ", ".join(f"{head} {_range(each)}" for head, each in shares.items())
    names = " or ".join(dict.fromkeys(point.features for mix in choice.mixes for point in mix))
    if len(choice.mixes) == 1:
        return [f"head=stack: {told}, {names}, fitted on its one fold"]
    return [
        f"head=stack: {told}, {names}; each fold's weights fitted on the other folds' held-out rows",
        f"held-out loss {choice.honest:.4f}; of one solver, chosen as head=best does, {single:.4f}; of "
        f"weights fitted on all folds, in-sample and so optimistic, {choice.fitted:.4f}",
    ]


def _range(weights: Sequence[float]) -> str:
    low, high = (f"{each:.2f}" for each in (min(weights), max(weights)))
    return low if low == high else f"{low} to {high}"
