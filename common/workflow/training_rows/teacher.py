"""The run that `pseudo=` names, checked against the one that learns from its labels."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from common.data.folds import read_split
from common.errors import KitError
from common.recipe import Recipe
from common.runs import Run
from common.training import checkpoint
from common.training.jobs import jobs_of
from common.workflow.find_run import named_run
from common.workflow.prepare import Prepared, check_trained
from common.workflow.run_results import check_data


@dataclass(frozen=True)
class Teacher:
    """The run that labels, and the recipe by which its models are loaded here."""

    run: Run
    recipe: Recipe


def open_teacher(ready: Prepared) -> Teacher:
    """The run that `pseudo=` names.

    Raises:
        KitError: it has other data or folds than this one, or is not finished.
    """
    folder = Path(ready.recipe.pseudo)
    run = named_run(ready.request, folder)
    if run.folder != folder:  # its models are part of this run's name, by the path as it stands
        raise KitError(
            f"pseudo={ready.recipe.pseudo} names a run below --runs: name its folder, pseudo={run.folder}"
        )
    check_trained(run)
    check_data(run, ready.table, ready.store, ready.files.target)
    recipe = replace(
        run.recipe(),
        unreadable=ready.recipe.unreadable,
        device=ready.recipe.device,
        precision=ready.recipe.precision,
    )
    folds = read_split(run / "folds.csv", ready.table["id"]).folds
    if not np.array_equal(folds, ready.split.folds):
        raise KitError(
            f"pseudo={ready.recipe.pseudo} has other folds than this run, so that none of its models "
            "has missed just the rows that are held out here: give both the same folds=, holdout=, repeats=, "
            "split_seed= and groups="
        )
    if missing := [
        job.name for job in jobs_of(recipe, folds) if not checkpoint.is_finished(run / job.name)
    ]:
        raise KitError(
            f"pseudo={ready.recipe.pseudo} has not trained {missing[0]}: resume it first"
        )
    if not (run / "scores.json").is_file():
        raise KitError(
            f"pseudo={ready.recipe.pseudo} has no score yet, so that nothing is known of its labels: resume "
            "it first"
        )
    return Teacher(run, recipe)
