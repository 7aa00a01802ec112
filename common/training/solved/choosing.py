"""Held-out losses to the candidate that each fold takes, chosen by the others, and words about the choice."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from common.progress import counted
from common.recipe import Recipe
from common.recipe_values import differences
from common.training.jobs import Job
from common.training.solved.candidates import PENALTY, SCALE, Point

# What an epoch of training is told and a solver is not asked.
OF_EPOCHS = (
    "batch_size epochs ema_decay head_lr_scale layer_decay lr min_lr_ratio momentum norm_bias_lr_scale "
    "optimizer schedule warmup_ratio weight_decay"
)
SHOWN = 6  # candidates


Mix = dict[Point, float]  # weights of the outputs, which sum to 1


@dataclass(frozen=True)
class SolvedHead:
    """A job, and its head's loss of each held-out row at every point that was tried."""

    job: Job
    losses: dict[Point, npt.NDArray[np.float32]] = field(default_factory=dict)

    def loss(self, point: Point) -> float:
        """The mean held-out loss at a point; inf where it was not tried."""
        return float(self.losses[point].mean()) if point in self.losses else math.inf


@dataclass(frozen=True)
class Choice:
    """What the folds chose.

    Attributes:
        heads: the jobs, and their losses at all points.
        mixes: each job's points, chosen by the other jobs' held-out rows, and their weights.
        best: the same by all jobs' held-out rows.
    """

    heads: list[SolvedHead]
    mixes: list[Mix]
    best: Mix


def choose(judges: Sequence[SolvedHead], features: str = "") -> Point:
    """The point that these jobs' held-out rows choose, of all or of those on some features.

    A solver on some features takes the penalty and scale of the least loss. It is chosen before those that
    were tried earlier where its loss is less by more than the standard error of the difference.
    """
    chosen, *others = leading(judges, features)
    for point in others:
        if _is_clearly_less(judges, point, chosen):
            chosen = point
    return chosen


def leading(judges: Sequence[SolvedHead], features: str = "") -> list[Point]:
    """The point of each solver on some features, or on each of all, that has the least loss."""
    grids: dict[tuple[str, str], list[Point]] = {}
    for point in dict.fromkeys(point for each in judges for point in each.losses):
        if features in ("", point.features):
            grids.setdefault((point.head, point.features), []).append(point)
    return [
        min(grid, key=lambda point: float(np.mean([each.loss(point) for each in judges])))
        for grid in grids.values()
    ]


def _is_clearly_less(judges: Sequence[SolvedHead], one: Point, other: Point) -> bool:
    if any(one not in each.losses for each in judges):
        return False
    gains = np.concatenate([each.losses[other] - each.losses[one] for each in judges])
    return bool(gains.mean() > gains.std() / math.sqrt(len(gains)))


def grid_of_points(choice: Choice) -> dict[str, Any]:
    """What run.json keeps: all `points`, their mean `losses`, what each job has `chosen`, the `best` of all.

    A choice is a list of points by number, with their weights.
    """
    losses = mean_losses(choice.heads)
    points = list(losses)

    def numbered(mix: Mix) -> list[tuple[int, float]]:
        return [(points.index(point), weight) for point, weight in mix.items()]

    return {
        "points": [list(point) for point in points],
        "losses": [loss if math.isfinite(loss) else None for loss in losses.values()],
        "chosen": [numbered(mix) for mix in choice.mixes],
        "best": numbered(choice.best),
    }


def best_of_grid(grid: dict[str, Any]) -> Mix:
    """What was best of all, as run.json keeps it."""
    return {Point(*grid["points"][number]): weight for number, weight in grid["best"]}


def candidates_of_grid(grid: dict[str, Any]) -> list[dict[str, Any]]:
    """What run.json keeps, as rows for a reader: each solver on each choice of features, the best first.

    Of each the point of least loss, and its weight in every job and in what is best of all.
    """
    points, rows = [Point(*point) for point in grid["points"]], dict[tuple[str, str], Any]()
    mixes = [*grid["chosen"], grid["best"]]
    for number, (point, loss) in enumerate(zip(points, grid["losses"], strict=True)):
        row = rows.setdefault(
            (point.head, point.features),
            {
                "head": point.head,
                "features": point.features,
                "loss": None,
                "penalty": "",
                "weights": [0.0] * len(mixes),
            },
        )
        if loss is not None and (row["loss"] is None or loss < row["loss"]):
            row |= {"loss": loss, "penalty": f"{PENALTY[point.head]} = {point.penalty:g}"}
        for at, mix in enumerate(mixes):
            row["weights"][at] += sum(weight for each, weight in mix if each == number)
    return sorted(rows.values(), key=lambda row: math.inf if row["loss"] is None else row["loss"])


def mean_losses(solved: Sequence[SolvedHead]) -> dict[Point, float]:
    """Every point that was tried to its mean held-out loss; inf where a job did not try it."""
    points = dict.fromkeys(point for each in solved for point in each.losses)
    return {point: float(np.mean([each.loss(point) for each in solved])) for point in points}


def choice_lines(choice: Choice, recipe: Recipe) -> list[str]:
    """What the folds chose and how well it did, beside the best candidates in hindsight."""
    solved, chosen = choice.heads, [point for mix in choice.mixes for point in mix]
    counts = Counter(_words(point, recipe) for point in chosen).most_common()
    if len(chosen) == 1:
        return [f"head={recipe.head}: {counts[0][0]}, the best of its one fold"]
    each = "; ".join(f"{words} ({counted(count, 'fold')})" for words, count in counts)
    by = "its own held-out loss" if recipe.folds == 1 else "the other folds' held-out loss"
    lines = [f"head={recipe.head}: {each}, each chosen by {by}"]
    least: dict[str, float] = {}
    for point, loss in mean_losses(solved).items():
        name = f"{point.head}, {point.features}"
        least[name] = min(loss, least.get(name, loss))
    if len(least) > 1:
        honest = float(np.mean([one.loss(at) for one, at in zip(solved, chosen, strict=True)]))
        own = f"held-out loss {honest:.4f}" if math.isfinite(honest) else "held-out loss not known"
        best = sorted(least, key=least.__getitem__)[:SHOWN]
        told = "; ".join(f"{least[name]:.4f} {name}" for name in best)
        lines.append(f"{own}; in hindsight, and so optimistic: {told}")
    return lines


def _words(point: Point, recipe: Recipe) -> str:
    """What of a point was to be chosen: 'ridge, alpha = 1000, all features'."""
    head = f"{point.head}, " if recipe.head == "best" else ""
    features = f", {point.features}" if recipe.feature_choice == "best" else ""
    scale = f", {SCALE[point.head]} = {point.scale:g}" if point.head in SCALE else ""
    return f"{head}{PENALTY[point.head]} = {point.penalty:g}{scale}{features}"


def unused_text(recipe: Recipe) -> str:
    """The fields of the recipe that mean nothing to a solved head, in a sentence; '' without any."""
    given = differences(recipe, ("train",))
    unused = [f"{name}={given[name]}" for name in OF_EPOCHS.split() if name in given]
    told = " ".join(each for each in unused if each != "epochs=1")
    return f"head={recipe.head} is solved, not trained: {told} changes nothing" if told else ""
