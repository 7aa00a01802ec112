"""Cross-validation of a run: train the folds, predict the held-out rows, write scores.json and oof.npz."""

import time
from pathlib import Path

import numpy as np

from common.inference.decisions import kind_for
from common.inference.fitting import decided
from common.inference.out_of_fold import (
    FoldViewProbs,
    cv_scores,
    fold_probs,
    left_out,
    pooled,
    view_gains,
)
from common.inference.predict import mean
from common.progress import say
from common.recipe_rules import SOLVED
from common.recipe_values import differences
from common.run_files import whole_arrays, whole_json
from common.storage import replacing, write_json
from common.training import checkpoint
from common.training.jobs import Job, jobs_of, refit_jobs
from common.workflow.jobs.at_once import note_memory
from common.workflow.jobs.model_probs import HELD_OUT, model_probs
from common.workflow.prepare import Prepared, check_code
from common.workflow.run_report import (
    draw_batch,
    draw_out_of_fold,
    print_head_rows,
    print_scores,
    print_unrecognised_classes,
)
from common.workflow.run_results import predictions_folder, save_probs
from common.workflow.train_models import train_jobs


def validate(ready: Prepared) -> None:
    """Train the folds without weights, predict held-out rows without predictions, write scores and pictures."""
    if not ready.recipe.folds:
        _leave_unjudged(ready)
        return
    jobs = jobs_of(ready.recipe, ready.split.folds)
    if not checkpoint.is_finished(ready.run / jobs[0].name):
        draw_batch(ready, jobs[0])
        print_head_rows(ready)
    train_jobs(ready, jobs)
    if not _is_judged(predictions_folder(ready.run, ready.recipe)):
        check_code(ready)
    folder = predictions_folder(ready.run, ready.recipe)
    if not _is_judged(folder):
        started = time.perf_counter()
        held = [_held_out(ready, jobs, number, folder) for number in sorted({j.fold for j in jobs})]
        _write_scores(ready, held, folder)
        ready.run.add_seconds("judge", time.perf_counter() - started)
        note_memory(ready)
    for name in ("oof.npz", "scores.json"):
        with replacing(ready.run / name) as temporary:
            temporary.write_bytes((folder / name).read_bytes())
    draw_out_of_fold(ready.run, ready.table, ready.store, ready.files.target)
    ready.tracker.finished()
    print_scores(ready)
    print_unrecognised_classes(ready)


def _is_judged(folder: Path) -> bool:
    """Are probs and scores there? A damaged one is said to be, and both are made anew."""
    kept = whole_arrays(folder / "oof.npz"), whole_json(folder / "scores.json")
    return all(each is not None for each in kept)


def _leave_unjudged(ready: Prepared) -> None:
    """folds=0: the picture of the first batch, and a scores.json without scores."""
    draw_batch(ready, refit_jobs(ready.recipe, ready.split.folds)[0])
    print_head_rows(ready)
    say(
        "folds=0: all rows train and none is held out, so nothing here says how good the models are"
    )
    scores = {
        "metric": ready.setting.evaluator.name,
        "fold_scores": [],
        "n": 0,
        "predict": differences(ready.recipe, ("predict",)),
    }
    for folder in (predictions_folder(ready.run, ready.recipe), ready.run.folder):
        write_json(folder / "scores.json", scores)


def _held_out(ready: Prepared, jobs: list[Job], number: int, folder: Path) -> FoldViewProbs:
    """A fold's held-out probs, averaged over its models, and kept in a file: a kill loses one fold."""
    mine = [job for job in jobs if job.fold == number]
    rows = mine[0].held_out
    assert rows is not None
    ids = ready.table["id"].to_numpy()[rows].astype(str)
    path = folder / f"fold{number}.npz"
    if groups := whole_arrays(path):
        assert groups.pop("ids").tolist() == ids.tolist(), "a fold's rows have changed"
        return FoldViewProbs(rows, groups)
    label, context = f"judging fold{number}", ready.setting
    found = model_probs(ready, mine, HELD_OUT, context=context, rows=rows, label=label)
    groups = {name: mean([each[name] for each in found]) for name in found[0]}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, ids=ids, **groups)  # type: ignore[arg-type]
    return FoldViewProbs(rows, groups)


def _write_scores(ready: Prepared, held: list[FoldViewProbs], folder: Path) -> None:
    setting, views = ready.setting, ready.recipe.view_names
    targets, evaluator, weights = setting.targets, setting.evaluator, setting.weights
    folds, kind = fold_probs(held, views), kind_for(ready.recipe.decision, evaluator)
    decision, doubt = None, ""
    if kind != "none":
        groups = ready.split.groups
        fitted = decided(folds, targets, groups, evaluator, kind=kind, weights=weights)
        folds, decision, doubt = fitted.folds, fitted.facts, fitted.doubt
    rows, probs = pooled(folds, len(targets))
    found = cv_scores(folds, targets, evaluator, weights)
    if decision:
        found["decision"] = decision
    found["predict"] = differences(ready.recipe, ("predict",))
    found["metric"] = evaluator.name
    found["views"] = view_gains(held, views, targets, evaluator, weights)
    if remarks := left_out(folds, found["fold_scores"], targets, evaluator):
        found["remarks"] = remarks
    # Hold-outs of several repeats share rows, so that none is apart enough to choose for another.
    own = "this one fold" if len(held) == 1 else "each hold-out itself"
    if ready.recipe.early_stop:
        found["optimistic"] = "early stopping chose each fold's epoch by the fold's own score"
    elif ready.recipe.head_grid != "none" and ready.recipe.folds == 1:
        found["optimistic"] = f"the grid's rate and decay were chosen by the score of {own}"
    elif ready.recipe.head in SOLVED and ready.recipe.folds == 1:
        found["optimistic"] = f"the head's penalty was chosen by the score of {own}"
    elif doubt:
        found["optimistic"] = doubt
    if labels := ready.run.read().get("pseudo", {}).get("optimistic"):
        found.setdefault("optimistic", f"of the run that gave its pseudo-labels: {labels}")
    if ready.request.competition.caution:
        found["caution"] = ready.request.competition.caution
    write_json(folder / "scores.json", found)
    save_probs(folder / "oof.npz", ready.table["id"].iloc[rows], probs)
