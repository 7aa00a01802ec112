"""Train every fold, or go on where it stopped, and score out-of-fold.

A finished run is not trained again; other views are judged with the models that are there.

Example: kit cifar10 validate epochs=2 lr=3e-4
"""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np

from common.atomic import replacing, write_json
from common.inference.calibrate import calibrated
from common.inference.out_of_fold import HeldOut, gains, judged, pooled, scores
from common.inference.predict import mean
from common.progress import counted, say
from common.recipe import differences
from common.training import resume
from common.training.frozen import (
    choices,
    grid_of,
    train_heads,
    train_probes,
    write_job,
    write_probe,
)
from common.training.jobs import Job, jobs_of, refit_jobs
from common.training.loop import train
from common.training.sizes import head_epochs
from common.training.trained import predictions
from common.workflow import flags as shared
from common.workflow.download import fetch_if_absent
from common.workflow.prepare import Prepared, check_code, prepared, row_groups
from common.workflow.record import (
    draw_batch,
    draw_curves,
    draw_judged,
    predictions_folder,
    result_of,
    save_probs,
    tell_epoch,
    tell_rows,
    tell_scores,
    tell_strangers,
)
from common.workflow.request import Request

SECONDS_BETWEEN_CURVES = 20.0  # drawing takes half a second


def flags(parser: ArgumentParser) -> None:
    """The words it takes."""
    shared.fields(parser)
    shared.begins(parser)


def run(request: Request) -> dict[str, Any]:
    """Do it, and return what the JSON line holds."""
    request.check_judged()
    fetch_if_absent(request)
    with prepared(request) as ready:
        validate(ready)
        return result_of(ready.run)


def validate(ready: Prepared) -> None:
    """Train what is not trained, judge what is not judged, and write scores and pictures."""
    if not ready.recipe.folds:
        _leave_unjudged(ready)
        return
    jobs = jobs_of(ready.recipe, ready.folds)
    if not resume.is_finished(ready.run / jobs[0].name):
        draw_batch(ready, jobs[0])
        tell_rows(ready)
    train_jobs(ready, jobs)
    views = ready.recipe.views.split("+")
    if not (predictions_folder(ready.run, ready.recipe) / "oof.npz").is_file():
        check_code(ready)
    folder = predictions_folder(ready.run, ready.recipe)
    if not (folder / "oof.npz").is_file():
        started = time.perf_counter()
        held = [_held_out(ready, jobs, number, folder) for number in sorted({j.fold for j in jobs})]
        _write_scores(ready, held, views, folder)
        ready.run.add_seconds("judge", time.perf_counter() - started)
    for name in ("oof.npz", "scores.json"):
        with replacing(ready.run / name) as temporary:
            temporary.write_bytes((folder / name).read_bytes())
    draw_judged(ready.run, ready.table, ready.store, ready.files.classes)
    tell_scores(ready)
    tell_strangers(ready)


def _leave_unjudged(ready: Prepared) -> None:
    """What a run without a held-out row has of all this: its first batch, and scores that hold none."""
    draw_batch(ready, refit_jobs(ready.recipe, ready.folds)[0])
    tell_rows(ready)
    say(
        "folds=0: all rows train and none is held out, so nothing here says how good the models are"
    )
    scores = {
        "metric": ready.setting.metric.name, "fold_scores": [], "n": 0,
        "predict": differences(ready.recipe, ("predict",)),
    }  # fmt: skip
    for folder in (predictions_folder(ready.run, ready.recipe), ready.run.folder):
        write_json(folder / "scores.json", scores)


def train_jobs(ready: Prepared, jobs: list[Job]) -> None:
    """Train the jobs that have no weights yet."""
    run, open_jobs = (
        ready.run,
        [job for job in jobs if not resume.is_finished(ready.run / job.name)],
    )
    if not open_jobs:
        say(f"{run.folder}: all {len(jobs)} models are trained")
        return
    check_code(ready)
    runtime, setting = differences(ready.recipe, ("runtime",)), ready.setting
    kind = "trained" if ready.recipe.epochs else "zero-training"
    run.note(
        kind=kind, runtime=runtime, device=str(setting.device), precision=setting.precision,
        inference_batch=setting.inference_batch,
    )  # fmt: skip
    say(f"{run.folder}: training {len(open_jobs)} of {len(jobs)} models on {ready.setting.device}")
    if ready.setting.on_features:
        _train_on_features(ready, open_jobs)
        return
    _probe(ready, [job for job in open_jobs if not resume.is_begun(run / job.name)])
    for job in open_jobs:
        started = drawn = time.perf_counter()
        for record in train(job, ready.setting, run / job.name):
            tell_epoch(ready, job, record)
            if time.perf_counter() - drawn > SECONDS_BETWEEN_CURVES:
                draw_curves(run, ready.setting.metric.name)
                drawn = time.perf_counter()
        run.add_seconds("train", time.perf_counter() - started)
        note_speed(ready)
        draw_curves(run, ready.setting.metric.name)


def _probe(ready: Prepared, jobs: list[Job]) -> None:
    """The epochs of the head alone of jobs not yet begun, at once on features where that is exact."""
    count, reason = head_epochs(ready.recipe), ready.setting.probe_in_loop
    if not (count and jobs):
        return
    started = time.perf_counter()
    ready.run.note(probe=f"in the loop ({reason})" if reason else "on features")
    if reason:
        say(
            f"  the head's own {counted(count, 'epoch')} cannot be on features ({reason}): the loop "
            f"trains it, with augment={ready.recipe.augment}"
        )
        return
    for each in train_probes(jobs, ready.setting):
        write_probe(ready.run / each.job.name, each)
        tell_epoch(ready, each.job, each.logs[0][-1])
    ready.run.add_seconds("train", time.perf_counter() - started)


def _train_on_features(ready: Prepared, jobs: list[Job]) -> None:
    """The heads of these jobs at once; a refit takes the point of the grid that the folds chose."""
    run, recipe, started = ready.run, ready.recipe, time.perf_counter()
    points, chosen = grid_of(recipe), [0] * len(jobs)
    if len(points) > 1 and jobs[0].held_out is None:
        grid = run.read()["head_grid"]
        points = [tuple(grid["points"][grid["best"]])]
    elif len(points) > 1:
        jobs = jobs_of(recipe, ready.folds)  # what a job chooses depends on all the others
        chosen = [0] * len(jobs)
    trained = train_heads(jobs, ready.setting, points)
    if len(points) > 1:
        grid = choices(trained, points)
        chosen = grid["chosen"]
        run.note(head_grid=grid)
    for each, point in zip(trained, chosen, strict=True):
        write_job(run / each.job.name, each, point)
        for record in each.logs[point][-1:]:
            tell_epoch(ready, each.job, record)
    run.add_seconds("train", time.perf_counter() - started)
    note_speed(ready)
    draw_curves(run, ready.setting.metric.name)


def note_speed(ready: Prepared) -> None:
    """Record images/s and the peaks of memory from the logs so far."""
    import torch

    logs = [
        line
        for path in ready.run.folder.glob("*/log.jsonl")
        for line in resume.read_log(path.parent)
    ]
    if not logs:  # epochs=0
        return
    images = sum(line["images_per_second"] * line["seconds"] for line in logs)
    ready.run.note(images_per_second=images / max(1e-9, sum(line["seconds"] for line in logs)))
    ready.run.see_memory(host=max(line["peak_memory_mb"] for line in logs))
    if ready.setting.device.type == "cuda":
        ready.run.see_memory(device=torch.cuda.max_memory_allocated() / 2**20)


def _held_out(ready: Prepared, jobs: list[Job], number: int, folder: Path) -> HeldOut:
    """A fold's held-out probs, the mean over its training seeds; kept, so that a kill loses one fold."""
    mine = [job for job in jobs if job.fold == number]
    rows = mine[0].held_out
    assert rows is not None
    ids = ready.table["id"].to_numpy()[rows].astype(str)
    path = folder / f"fold{number}.npz"
    if path.is_file():
        with np.load(path) as kept:
            groups = dict(kept)
        assert groups.pop("ids").tolist() == ids.tolist(), "a fold's rows have changed"
        return HeldOut(rows, groups)
    folders = [ready.run / job.name for job in mine]
    found = list(predictions(ready.setting, folders, rows, label=f"judging fold{number}"))
    groups = {name: mean([each[name] for each in found]) for name in found[0]}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, ids=ids, **groups)  # type: ignore[arg-type]
    return HeldOut(rows, groups)


def _write_scores(ready: Prepared, held: list[HeldOut], views: list[str], folder: Path) -> None:
    targets, metric = ready.setting.targets, ready.setting.metric
    folds, calibration = judged(held, views), None
    if ready.recipe.calibration == "temperature":
        groups = row_groups(ready.table, ready.store, ready.recipe)
        fitted = calibrated(folds, targets, groups, metric)
        folds, calibration = fitted.folds, fitted.facts
    rows, probs = pooled(folds, len(targets))
    found = scores(folds, targets, metric)
    if calibration:
        found["calibration"] = calibration
    found["predict"] = differences(ready.recipe, ("predict",))
    found["metric"], found["views"] = metric.name, gains(held, views, targets, metric)
    if ready.recipe.early_stop:
        found["optimistic"] = "early stopping chose each fold's epoch by the fold's own score"
    elif ready.recipe.head_grid != "none" and len(held) == 1:
        found["optimistic"] = "the grid's rate and decay were chosen by the score of this one fold"
    if ready.request.competition.caution:
        found["caution"] = ready.request.competition.caution
    write_json(folder / "scores.json", found)
    save_probs(folder / "oof.npz", ready.table["id"].iloc[rows], probs)
