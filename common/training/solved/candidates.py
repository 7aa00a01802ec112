"""What the folds choose from: which features, which solver, its penalty and the scale of its outputs."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from common.models.joined_features import Block
from common.recipe import Recipe
from common.targets import Target
from common.training.solved.principal import Columns

# What a penalty is called, from the strongest on: scikit-learn's names and scales.
PENALTY = {
    "ridge": "alpha",
    "logistic": "C",
    "lda": "shrinkage",
    "svm": "C",
    "svr": "C",
    "knn": "k",
    "boosting": "leaf nodes",
}
# What a scale is called, where a user knows it.
SCALE = {"knn": "temperature", "boosting": "rounds"}
PENALTIES = {
    "ridge": (1e5, 3e4, 1e4, 3e3, 1e3, 3e2, 1e2, 3e1, 1e1, 3.0, 1.0),
    "logistic": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 1.0),
    "lda": (0.95, 0.9, 0.8, 0.65, 0.5, 0.35, 0.2, 0.1, 0.03),
    "svm": (1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 1e-2, 1e-1),
    "svr": (1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1),
    "knn": (1, 5, 10, 20, 50, 100, 1000),
    "boosting": (4, 12),
}
BEST = ("ridge", "logistic", "lda")  # what head=best tries, the quickest first
# Ridge's and an SVM's outputs are near -1 and 1, support vector regression's of grades a grade apart, and
# LDA's too sure of themselves with few rows. Of neighbours: the temperature; of boosting: its rounds.
SCALES = {
    "ridge": (1.0, 2.0, 4.0, 8.0, 16.0, 32.0),
    "logistic": (1.0,),
    "lda": (1.0, 0.5, 0.25, 0.12, 0.06, 0.03, 0.015),
    "svm": (1.0, 2.0, 4.0, 8.0, 16.0, 32.0),
    "svr": (1.0, 2.0, 4.0, 8.0, 16.0),
    "knn": (0.02, 0.03, 0.06, 0.12, 0.25, 0.5),
    "boosting": (20, 40, 80, 160),
}
# Solved by L-BFGS, which takes longest where penalties are weak.
BY_STEPS = ("logistic", "svm", "svr")
OF_SEVERAL = ("best", "stack")  # heads that try several solvers
ALL = "all features"


class Point(NamedTuple):
    """A candidate: a penalty of a solver on some of the features, its outputs times a scale."""

    penalty: float
    scale: float
    head: str
    features: str


def heads_of(recipe: Recipe, target: Target) -> list[str]:
    """The recipe's solver; of head=best and head=stack those that fit the target, the quickest first."""
    if recipe.head not in OF_SEVERAL:
        return [recipe.head]
    return [head for head in BEST if f"head={head}" not in target.refusals]


def scales_of(head: str, target: Target) -> tuple[float, ...]:
    """The factors of a solver's outputs where these become chances."""
    return (1.0,) if target.scaling[1] else SCALES[head]


def feature_choices(blocks: Sequence[Block], recipe: Recipe) -> dict[str, Columns]:
    """The columns of the features that may be chosen, by name; with feature_choice=all those are all."""
    rules: dict[str, Callable[[Block], bool]] = {
        ALL: lambda _: True,
        "means of all stages and sizes": lambda block: block.pool == "mean",
        "means of all stages, smaller size": lambda block: block.pool == "mean" and block.side > 0,
        "means of the last stage": lambda block: block.pool == "mean" and not block.stage,
    }
    if recipe.feature_choice == "all":
        return {ALL: ...}
    for number in range(len(recipe.backbones)):  # by number, as folders move
        rules[f"all of backbone {number + 1}"] = lambda block, number=number: (
            block.backbone == number
        )  # type: ignore[misc]
    origin = np.repeat(np.arange(len(blocks)), [block.width for block in blocks])
    found: dict[str, Columns] = {}
    masks = set[tuple[bool, ...]]()
    for name, rule in rules.items():
        mask = tuple(map(rule, blocks))
        if any(mask) and mask not in masks:
            masks.add(mask)
            found[name] = ... if all(mask) else np.flatnonzero(np.array(mask)[origin])
    return found
