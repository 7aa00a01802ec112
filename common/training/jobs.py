"""A recipe's training jobs: one model for each repeat, fold and seed, or refits on all rows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from common.data.folds import Rows
from common.recipe import Recipe


@dataclass(frozen=True)
class Job:
    """One model to train: folder name, `fold` and `seed` of its random numbers, training rows.

    `answers` are what the loss compares the outputs of `rows` with [len(rows), O], where these are
    not the table's own answers; the last `pseudo` rows have none.
    """

    name: str
    fold: int
    seed: int
    rows: Rows
    held_out: Rows | None  # None: trained on all rows, no validation split
    answers: npt.NDArray[np.float32] | None = None
    pseudo: int = 0

    @property
    def labelled(self) -> Rows:
        """The training rows whose answers the table has."""
        return self.rows[: len(self.rows) - self.pseudo]


def jobs_of(recipe: Recipe, folds: npt.NDArray[np.int64]) -> list[Job]:
    """Fold assignments [repeats, N] to one job per repeat, fold and seed, in that order."""
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
    """One job per seed that trains on all rows, without a validation split (`final=refit`)."""
    repeats, count = folds.shape
    number = repeats * (int(folds.max()) + 1)
    return [
        Job(_name("refit", extra), number, recipe.seed + extra, np.arange(count), None)
        for extra in range(recipe.models_per_fold)
    ]


def _name(stem: str, extra: int) -> str:
    """A job's folder name: fold0; fold0-seed1 for the second seed."""
    return f"{stem}-seed{extra}" if extra else stem
