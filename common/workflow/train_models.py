"""A run's jobs to trained models: heads on cached features, or the training loop; resumes."""

import time
from contextlib import AbstractContextManager, closing
from typing import Any

from common.errors import KitError
from common.progress import bar, counted, first_of, say
from common.recipe_rules import SOLVED
from common.recipe_values import differences
from common.training import checkpoint
from common.training.jobs import Job
from common.training.linear_probe import (
    choose_points,
    grid_of,
    train_heads,
    train_probes,
    write_job,
    write_probe,
)
from common.training.progressive_resizing import head_epochs
from common.training.solved.choosing import best_of_grid, grid_of_points, unused_text
from common.training.solved_heads import open_solver
from common.training.stacked_heads import TrainedHead
from common.training.updates.schedules import INITIAL_SHARE, ema_decay_at, ema_warms_up
from common.workflow.jobs.at_once import jobs_at_once, note_memory, trained_jobs
from common.workflow.prepare import Prepared, check_code
from common.workflow.run_report import EpochLines, draw_curves, print_epoch
from common.workflow.training_rows.changed import with_changed_rows

SECONDS_BETWEEN_CURVES = 20.0  # drawing takes half a second


def train_jobs(ready: Prepared, jobs: list[Job]) -> None:
    """Train the jobs without weights, resumed after the last finished epoch."""
    run = ready.run
    if all(checkpoint.is_finished(run / job.name) for job in jobs):
        say(f"{run.folder}: {counted(len(jobs), 'model')} trained already")
        return
    check_code(ready)
    ready, jobs = with_changed_rows(ready, jobs)
    open_jobs = [job for job in jobs if not checkpoint.is_finished(run / job.name)]
    runtime, setting = differences(ready.recipe, ("runtime",)), ready.setting
    kind = "trained" if ready.recipe.epochs else "zero-training"
    run.note(
        kind=kind,
        runtime=runtime,
        device=str(setting.device),
        precision=setting.precision,
        inference_batch=setting.inference_batch,
    )
    count = 1 if setting.on_features else jobs_at_once(setting, len(open_jobs))
    say(
        f"{run.folder}: training {len(open_jobs)} of {len(jobs)} models on {setting.device.type}"
        + (f", {count} at a time" if count > 1 else "")
    )
    _tell_average(ready, open_jobs)
    if ready.setting.on_features:
        if ready.recipe.head in SOLVED:
            _solve_on_features(ready, jobs)
        else:
            _train_on_features(ready, open_jobs, jobs)
        return
    _probe(ready, [job for job in open_jobs if not checkpoint.is_begun(run / job.name)])
    _train(ready, open_jobs, count)


def _train(ready: Prepared, jobs: list[Job], count: int) -> None:
    """Train jobs one after another, or on Ray where several are trained at once."""
    run, lines = ready.run, EpochLines(ready)
    since = drawn = time.perf_counter()
    with (
        closing(trained_jobs(ready, jobs, count)) as training,
        _epochs_bar(jobs, ready) as progress,
    ):
        for job, record in training:
            if record is not None:
                lines.finished_epoch(job, record)
                ready.tracker.epoch(job.name, record)
                progress.update(1)
                if time.perf_counter() - drawn < SECONDS_BETWEEN_CURVES:
                    continue
            else:
                lines.finished_model(job)
                run.add_seconds("train", time.perf_counter() - since)
                since = time.perf_counter()
                note_speed(ready)
            draw_curves(run, ready.setting.evaluator.name)
            drawn = time.perf_counter()


def _epochs_bar(jobs: list[Job], ready: Prepared) -> AbstractContextManager[Any]:
    """The progress bar over all jobs' epochs; epochs of an earlier call count as done."""
    logs = [checkpoint.read_log(ready.run / job.name) for job in jobs]
    done = sum(len(log) for log in logs)
    total = len(jobs) * ready.recipe.epochs
    return bar(total, f"training {counted(len(jobs), 'model')}", "epochs", done=done, lines=False)


def _tell_average(ready: Prepared, jobs: list[Job]) -> None:
    """Warn if ema_decay= averages over more updates than the shortest training has."""
    recipe = ready.recipe
    if not (recipe.ema_decay and recipe.epochs):
        return
    batches = min(-(-len(job.rows) // recipe.batch_size) for job in jobs)
    updates = recipe.epochs * -(-batches // recipe.grad_accum_steps)
    share, long = (
        recipe.ema_decay**updates,
        f"  ema_decay={recipe.ema_decay:g} is long for {updates:,} updates: ",
    )
    if ema_warms_up(recipe.ema_decay, updates):
        last = ema_decay_at(recipe.ema_decay, updates - 1, updates)
        say(
            f"{long}the network as it began would make {share:.0%} of the average, so that the decay "
            f"rises from 0 to {last:.3g} on the way"
        )
    elif share > INITIAL_SHARE:
        say(f"{long}the network as it began makes {share:.0%} of the average; say a smaller one")


def _probe(ready: Prepared, jobs: list[Job]) -> None:
    """Linear probing of jobs not yet started, on cached features if that is exact."""
    count, reason = head_epochs(ready.recipe), ready.setting.probe_in_loop
    if not (count and jobs):
        return
    begun = time.perf_counter()
    ready.run.note(probe=f"in the loop ({reason})" if reason else "on features")
    if reason:
        say(
            f"  the head's own {counted(count, 'epoch')} cannot be on features ({reason}): the loop "
            f"trains it, with augment={ready.recipe.augment}"
        )
        return
    for each in train_probes(jobs, ready.setting):
        write_probe(ready.run / each.job.name, each)
        print_epoch(ready, each.job, each.logs[0][-1])
    ready.run.add_seconds("train", time.perf_counter() - begun)


def _train_on_features(ready: Prepared, jobs: list[Job], every: list[Job]) -> None:
    """Train all jobs' heads at once on cached features; a refit uses the folds' best grid point.

    A grid trains `every` job again: what one chooses depends on all the others.
    """
    run, recipe, begun = ready.run, ready.recipe, time.perf_counter()
    points, chosen = grid_of(recipe), [0] * len(jobs)
    if len(points) > 1 and jobs[0].held_out is None:
        grid = run.read()["head_grid"]
        points = [tuple(grid["points"][grid["best"]])]
    elif len(points) > 1:
        jobs, chosen = every, [0] * len(every)
    found = train_heads(jobs, ready.setting, points)
    if len(points) > 1:
        grid = choose_points(found, points)
        chosen = grid["chosen"]
        run.note(head_grid=grid)
    for each, point in zip(found, chosen, strict=True):
        _write(ready, each, point)
    _finish(ready, begun)


def _solve_on_features(ready: Prepared, jobs: list[Job]) -> None:
    """Solve all jobs' heads on cached features, each at the point that the other folds choose.

    A refit takes the point that is best over all folds.
    """
    run, recipe, begun = ready.run, ready.recipe, time.perf_counter()
    if jobs[0].held_out is None:
        solver = open_solver(jobs, ready.setting)
        mixes = [best_of_grid(run.read()["head_grid"])] * len(jobs)
        if unknown := {point.features for point in mixes[0]} - {*solver.columns}:
            raise KitError(
                f"{run.folder}: its folds chose {first_of([*unknown])!r}, which this version of the kit does not "
                "know: start over with --fresh"
            )
    else:  # all jobs anew: what one chooses depends on all the others
        if unused := unused_text(recipe):
            say(f"  {unused}")
        solver = open_solver(jobs, ready.setting)
        choice = solver.solve()
        said = solver.lines(choice)
        run.note(head_grid=grid_of_points(choice) | {"said": said})
        for line in said:
            say(f"  {line}")
        mixes = choice.mixes
    for each in solver.trained(mixes):
        _write(ready, each, 0)
    _finish(ready, begun)


def _write(ready: Prepared, trained: TrainedHead, point: int) -> None:
    """Write a head as a job's files, and print its last line."""
    write_job(ready.run / trained.job.name, trained, point)
    for record in trained.logs[point]:
        ready.tracker.epoch(trained.job.name, record)
    for record in trained.logs[point][-1:]:
        print_epoch(ready, trained.job, record)


def _finish(ready: Prepared, begun: float) -> None:
    """Note what training on features took, and draw it."""
    ready.run.add_seconds("train", time.perf_counter() - begun)
    note_speed(ready)
    draw_curves(ready.run, ready.setting.evaluator.name)


def note_speed(ready: Prepared) -> None:
    """Record images/s and peak memory from the logs so far."""
    logs = [
        line
        for path in ready.run.folder.glob("*/log.jsonl")
        for line in checkpoint.read_log(path.parent)
    ]
    if not logs:  # epochs=0
        return
    images = sum(line["images_per_second"] * line["seconds"] for line in logs)
    ready.run.note(images_per_second=images / max(1e-9, sum(line["seconds"] for line in logs)))
    ready.run.note_peak_memory(host=max(line["peak_memory_mb"] for line in logs))
    note_memory(ready)
    for line in logs:  # of earlier calls too, where a killed one noted nothing
        if "device_peak_mb" in line:
            ready.run.note_peak_memory(device=line["device_peak_mb"])
