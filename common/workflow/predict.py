"""Predict the test set with a run's models, and write its checked submission.csv.

`final=folds` averages the fold models; `final=refit` trains anew on all rows, then predicts.

Example: kit cifar10 predict views=mirror+shifts
"""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common import submission
from common.atomic import read_json
from common.data.store import Store, open_store
from common.environment import memory_mb
from common.inference.calibrate import tempered
from common.inference.predict import joined, mean
from common.metrics import Probs
from common.progress import say
from common.recipe import differences
from common.runs import Run, fingerprint
from common.training import resume
from common.training.jobs import jobs_of, refit_jobs
from common.training.trained import predictions
from common.workflow import flags as shared
from common.workflow.answers import judge_test
from common.workflow.files import Files, read_test
from common.workflow.find import find_run
from common.workflow.prepare import Prepared, check_code, prepared
from common.workflow.record import draw_curves
from common.workflow.request import Request
from common.workflow.result import predictions_folder, result_of, save_probs
from common.workflow.training import train_jobs
from common.workflow.validate import validate


def flags(parser: ArgumentParser) -> None:
    """The words it takes."""
    shared.fields(parser)
    shared.run(parser)
    shared.continues(parser)


def run(request: Request) -> dict[str, Any]:
    """Do it for the run that the request means; predict and runtime fields may be changed."""
    with prepared(request, of=find_run(request)) as ready:
        test = open_test(ready)
        if test is None:
            raise ValueError(f"{ready.files.folder} has no test set: there is nothing to predict")
        validate(ready)
        predict_test(ready, *test)
        return result_of(ready.run)


def open_test(ready: Prepared) -> tuple[pd.DataFrame, Store] | None:
    """The test table and its store, None where the data set has no test set.

    They are opened before training, so that a missing image is told early.
    """
    started = time.perf_counter()
    table = read_test(ready.request, ready.files.folder)
    if table.empty:
        return None
    side = ready.recipe.stored_side
    store = open_store(table, side=side, cache=ready.request.cache)
    ready.setting.check(store)
    ready.run.add_seconds("prepare", time.perf_counter() - started)
    return table, store


def predict_test(ready: Prepared, table: pd.DataFrame, store: Store) -> None:
    """Probabilities of the test rows by id, then `submission.csv` in the sample's shape."""
    recipe, run, jobs = ready.recipe, ready.run, jobs_of(ready.recipe, ready.folds)
    if recipe.final == "refit":
        jobs = refit_jobs(recipe, ready.folds)
        train_jobs(ready, jobs)
    assert all(resume.is_finished(run / job.name) for job in jobs)
    data = fingerprint(table["id"].tolist(), store.digests)
    name = f"test-{data}.npz"
    if not (predictions_folder(run, recipe) / name).is_file():
        check_code(ready)
    path = predictions_folder(run, recipe) / name
    if not path.is_file():
        started = time.perf_counter()
        probs = _test_probs(ready, store, [run / job.name for job in jobs])
        if recipe.calibration == "temperature":
            fitted = read_json(predictions_folder(run, recipe) / "scores.json")["calibration"]
            probs = tempered(probs, fitted["temperature"])
        save_probs(path, table["id"], probs)
        run.add_seconds("predict", time.perf_counter() - started)
        run.see_memory(host=memory_mb())
        draw_curves(run, ready.setting.metric.name)
    with np.load(path) as kept:
        ids, probs = kept["ids"].tolist(), kept["probs"]
    run.note(test=name)
    write_submission(ready.request, ready.files, run, ids=ids, probs=probs)
    run.note(predicted=differences(recipe, ("predict",)))
    competition = ready.request.competition
    judge_test(run, recipe, competition, ready.files, ids=ids, probs=probs)


def _test_probs(ready: Prepared, store: Store, folders: list[Path]) -> Probs:
    """The mean over models and views: float32 [N, C] in the store's order."""
    views = ready.recipe.views.split("+")
    setting, rows = ready.setting.on(store), np.arange(len(store))
    found = predictions(setting, folders, rows, label="test set")
    return mean([joined(groups, views) for groups in found])


def write_submission(
    request: Request, files: Files, run: Run, *, ids: list[str], probs: Probs
) -> None:
    """Write the run's `submission.csv` as the competition wants it, checked against the sample."""
    rows = request.competition.writer(files.sample, ids, probs, files.classes)
    submission.write(run / "submission.csv", rows, files.sample, files.classes)
    say(f"{run / 'submission.csv'}: {len(rows):,} rows, checked against the sample")
