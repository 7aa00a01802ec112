"""The models that a recipe trains: one job each."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from common.data.folds import Rows
from common.recipe import Recipe


@dataclass(frozen=True)
class Job:
    """One model to train: its folder's name, the place of its random numbers, its rows."""

    name: str
    fold: int
    seed: int
    rows: Rows
    held_out: Rows | None  # None: trained on everything, judged by nobody


def jobs_of(recipe: Recipe, folds: npt.NDArray[np.int64]) -> list[Job]:
    """One job for every repeat, fold and training seed, in that order; `folds` is [repeats, N]."""
    jobs = []
    each = int(folds.max()) + 1
    for repeat, fold in enumerate(folds):
        for held in range(each):
            number = repeat * each + held
            out, rows = np.flatnonzero(fold == held), np.flatnonzero(fold != held)
            assert not set(out) & set(rows)
            jobs += [
                Job(_name(f"fold{number}", extra), number, recipe.seed + extra, rows, out)
                for extra in range(recipe.models_per_fold)
            ]
    return jobs


def refit_jobs(recipe: Recipe, folds: npt.NDArray[np.int64]) -> list[Job]:
    """The course's way: one job a training seed on all rows, judged by nobody."""
    repeats, count = folds.shape
    number = repeats * (int(folds.max()) + 1)
    return [
        Job(_name("refit", extra), number, recipe.seed + extra, np.arange(count), None)
        for extra in range(recipe.models_per_fold)
    ]


def _name(stem: str, extra: int) -> str:
    """A job's folder: fold0, and fold0-seed1 for a second training seed."""
    return f"{stem}-seed{extra}" if extra else stem
