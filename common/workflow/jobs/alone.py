"""One model of a run trained alone and left as a file that any machine can gather."""

import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from common import environment
from common.errors import KitError
from common.progress import say
from common.recipe_rules import SOLVED
from common.recipe_values import NAMING_STAGES, differences
from common.runs import digest_file, digests_of_files
from common.training.jobs import Job, jobs_of, refit_jobs
from common.training.parallel.job_file import (
    HELD_OUT,
    TEST,
    read_facts,
    save_groups,
    unpack,
    write_job_file,
)
from common.training.trained_models import predictions
from common.workflow.files import fetch_if_absent
from common.workflow.prepare import Prepared, prepared
from common.workflow.request import Request
from common.workflow.test_set import open_test
from common.workflow.train_models import train_jobs
from common.workflow.unlabelled import Unlabelled


def train_job_file(request: Request, name: str, out: Path, *, test: bool) -> dict[str, Any]:
    """Train the job called `name` and write it to `out`; resumed after the last finished epoch.

    Raises:
        KitError: the recipe has no such job or cannot train one alone, or `out` is another file.
    """
    fetch_if_absent(request)
    with prepared(request, job=name) as ready:
        job = _named(ready, name)
        rows = open_test(ready) if test else None
        kept = _same(out, _facts(ready, job)) if out.exists() else None
        if kept and (rows is None or kept["test"] == rows.data):
            say(f"{out}: {name} is trained; delete the file to have it trained anew")
        else:
            if kept:  # only the test set's predictions are missing
                unpack(out, ready.run / name, probs={})
            train_jobs(ready, [job])
            # How and where it was trained stays as it was.
            facts = (kept or _facts(ready, job)) | _predicted(ready, job, rows)
            write_job_file(out, ready.run / name, facts)
            say(f"{out}: {name}, {out.stat().st_size / 1e6:,.1f} MB")
        folder = ready.run.folder
    shutil.rmtree(folder)
    say(f"next, where all models are: {request.command('gather', str(out), '…')}")
    return {"run": folder.name, "job": name, "file": str(out)}


def jobs_in(ready: Prepared) -> list[Job]:
    """All jobs of a prepared run: its folds, and the refits where the recipe has them."""
    recipe, folds = ready.recipe, ready.split.folds
    return jobs_of(recipe, folds) + (refit_jobs(recipe, folds) if recipe.final == "refit" else [])


def same_facts(ready: Prepared) -> dict[str, Any]:
    """What has to be equal wherever a job of this run is trained, by name."""
    return {
        "competition": ready.request.competition.name,
        "recipe": differences(ready.recipe, NAMING_STAGES),
        "files": digests_of_files(ready.recipe),
        "data": ready.run.read()["data"],
        "folds": digest_file(ready.run / "folds.csv"),
        "code": ready.code,
    }


def _named(ready: Prepared, name: str) -> Job:
    recipe = ready.recipe
    if ready.setting.on_features and (recipe.head in SOLVED or recipe.head_grid != "none"):
        field = f"head={recipe.head}" if recipe.head in SOLVED else f"head_grid={recipe.head_grid}"
        raise KitError(
            f"{field} chooses for each fold by all the others, so that no model is trained alone: "
            f"`{ready.request.command('run')}` trains them in one go, on features computed once"
        )
    if recipe.pseudo != "none":
        raise KitError(
            f"pseudo={recipe.pseudo} labels rows by another run's models, which lie on one machine: "
            f"`{ready.request.command('run')}` trains there"
        )
    found = {job.name: job for job in jobs_in(ready)}
    if name not in found:
        more = "" if recipe.final == "refit" else "; with final=refit also refit"
        raise KitError(f"this recipe has no model {name!r}: there are {', '.join(found)}{more}")
    return found[name]


def _facts(ready: Prepared, job: Job) -> dict[str, Any]:
    noted = ready.run.read()
    return same_facts(ready) | {
        "recipe_name": ready.request.recipe_name,
        "words": ready.request.words_of("split", "train", "predict"),
        "predict": differences(ready.recipe, ("predict",)),
        "job": job.name,
        "rows": len(job.rows),
        "whole_recipe": asdict(ready.recipe),
        "environment": environment.environment(),
        "device": str(ready.setting.device),
        "precision": ready.setting.precision,
        "inference_batch": ready.setting.inference_batch,
        "seconds": noted.get("seconds", {}),
    }


def _predicted(ready: Prepared, job: Job, test: Unlabelled | None) -> dict[str, Any]:
    """Write the model's held-out and test probs into the job's folder; how long it took, on which test set."""
    folder, context, begun = ready.run / job.name, ready.setting, time.perf_counter()
    if job.held_out is not None:
        label = f"judging {job.name}"
        save_groups(
            folder / HELD_OUT, next(iter(predictions(context, [folder], job.held_out, label=label)))
        )
    if test is not None:
        rows = np.arange(len(test.store))
        found = predictions(context.on(test.store), [folder], rows, label="test set")
        save_groups(folder / TEST, next(iter(found)))
    return {
        "predict_seconds": round(time.perf_counter() - begun, 2),
        "test": test.data if test else None,
    }


def _same(out: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """The facts of the file that is there, of this very job.

    Raises:
        KitError: it is another job's.
    """
    kept = read_facts(out)
    other = [
        name
        for name in ("job", "competition", "recipe", "files", "data", "folds", "code", "predict")
        if kept.get(name) != facts[name]
    ]
    if other:
        raise KitError(
            f"{out} is there already and holds another job (its {' and '.join(other)} differs): name "
            "another file (--out FILE), or delete it"
        )
    return kept
