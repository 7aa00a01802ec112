"""The test set: opened, predicted, written as a submission, scored where labels are known."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from common import submission
from common.competition import Competition
from common.data.pixels.conversion_report import conversions
from common.inference.decisions import DECISIONS, kind_for
from common.inference.predict import mean, mean_over_views
from common.metrics import Probs
from common.progress import counted, first_of, say
from common.recipe import Recipe
from common.run_files import read_arrays, whole_arrays
from common.runs import Run
from common.storage import read_json, write_json
from common.training import checkpoint
from common.training.jobs import Job, jobs_of, refit_jobs
from common.workflow.files import Files, read_test, weights_of
from common.workflow.jobs.at_once import note_memory
from common.workflow.jobs.model_probs import model_probs
from common.workflow.prepare import Prepared, check_code
from common.workflow.run_report import draw_curves
from common.workflow.run_results import note_predicted, predictions_folder, save_probs
from common.workflow.train_models import train_jobs
from common.workflow.unlabelled import Unlabelled, unlabelled


def score_test(
    run: Run,
    recipe: Recipe,
    competition: Competition,
    files: Files,
    *,
    ids: Sequence[str],
    probs: Probs,
) -> None:
    """Score `probs` [N, C] of the test rows `ids`, if their labels are known.

    `scores.json` gets `test` and `test_n`, in the run and beside the predictions that the predict
    fields of `recipe` name.
    """
    answers = competition.read_answers and competition.read_answers(files.folder)
    if answers is None:
        return
    table = answers.set_index("id", drop=False).loc[list(ids)]
    score = files.evaluator.score(probs, files.target.read(table), weights_of(table))
    _add_scores(run, recipe, {"test": score, "test_n": len(ids)})
    say(f"test {competition.metric.replace('_', ' ')} {score:.4f} (n = {len(ids):,})")


def _add_scores(run: Run, recipe: Recipe, facts: dict[str, Any]) -> None:
    """Merge facts into scores.json, in the run and beside the predictions, without empty ones."""
    path = predictions_folder(run, recipe) / "scores.json"
    found = {k: v for k, v in (read_json(path) | facts).items() if k not in facts or v != []}
    for each in (path, run / path.name):
        write_json(each, found)


def open_test(ready: Prepared) -> Unlabelled | None:
    """A prepared run to its test table and images; None without a test set.

    Called before training, so that a missing image is reported early.
    """
    started = time.perf_counter()
    table = read_test(ready.request, ready.files.folder)
    if table.empty:
        return None
    test = unlabelled(ready.request, table, ready.recipe, ready.store)
    for line in conversions(test.store, test.readable["id"].tolist()):
        say(f"the test set: {line}")
    if test.problem:
        say(
            f"the test set: unreadable=mean gives the mean prediction to these rows: {test.problem}"
        )
    ready.setting.check(test.store)
    ready.run.add_seconds("prepare", time.perf_counter() - started)
    return test


def predict_test(ready: Prepared, test: Unlabelled) -> None:
    """Predict the test rows, and write `submission.csv` in the sample's columns and order.

    A row with an unreadable image gets the mean probs of the others.
    """
    recipe, run, jobs = ready.recipe, ready.run, jobs_of(ready.recipe, ready.split.folds)
    if recipe.final == "refit":
        jobs = refit_jobs(recipe, ready.split.folds)
        train_jobs(ready, jobs)
    assert all(checkpoint.is_finished(run / job.name) for job in jobs)
    name = f"test-{test.data}.npz"
    if whole_arrays(predictions_folder(run, recipe) / name) is None:
        check_code(ready)
    path = predictions_folder(run, recipe) / name
    if not path.is_file():
        started = time.perf_counter()
        probs = _test_probs(ready, test, jobs)
        kind = kind_for(recipe.decision, ready.files.evaluator)
        if kind != "none" and recipe.folds:
            fitted = read_json(predictions_folder(run, recipe) / "scores.json")["decision"]
            probs = DECISIONS[kind].apply(ready.files.target, probs, np.array(fitted["values"]))
        every = np.tile(probs.mean(axis=0), (len(test.table), 1))
        every[test.rows] = probs
        save_probs(path, test.table["id"], every)
        run.add_seconds("predict", time.perf_counter() - started)
        note_memory(ready)
        draw_curves(run, ready.setting.evaluator.name)
    kept = read_arrays(path)
    ids, probs = kept["ids"].tolist(), kept["probs"]
    absent = test.table["id"].drop(test.rows).tolist()
    _add_scores(run, recipe, {"unreadable": absent})
    if absent:
        say(f"{counted(len(absent), 'row')} with the mean prediction: {first_of(absent)}")
    write_submission(ready.files, run, ids=ids, probs=probs)
    note_predicted(run, recipe, name)
    competition = ready.request.competition
    score_test(run, recipe, competition, ready.files, ids=ids, probs=probs)


def _test_probs(ready: Prepared, test: Unlabelled, jobs: list[Job]) -> Probs:
    """The mean over models and views: float32 [N, C] in the store's order."""
    context, rows = ready.setting.on(test.store), np.arange(len(test.store))
    what = f"test-{test.data}"
    found = model_probs(ready, jobs, what, context=context, rows=rows, label="test set")
    return mean([mean_over_views(groups, ready.recipe.view_names) for groups in found])


def write_submission(files: Files, run: Run, *, ids: list[str], probs: Probs) -> None:
    """Ids and probs to the run's `submission.csv`, in the competition's format, validated."""
    rows = submission.rows_of(files.form, files.target, files.sample, ids=ids, probs=probs)
    submission.write(run / "submission.csv", rows, files.sample, files.form)
    say(f"{run / 'submission.csv'}: {counted(len(rows), 'row')}, checked against the sample")
