"""`pseudo=RUN`: test rows that each fold trains on, as the run's own model of that fold labels them.

Images of `pseudo_images=` are test rows like the others here. The model has not seen the fold's held-out
rows, and a test row that is a near-duplicate of one of them never enters the fold; so the score out-of-fold
means what it meant.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.data.archives.formats import is_named_archive
from common.data.archives.open_data import open_folder
from common.data.duplicates.groups import across
from common.data.image_paths import image_names
from common.data.pixels.conversion_report import conversions
from common.data.pixels.store import Store, open_store
from common.errors import KitError
from common.inference.predict import mean, mean_over_views
from common.metrics import Probs
from common.progress import counted, say, span
from common.recipe import Recipe
from common.run_files import read_arrays, whole_arrays
from common.storage import replacing
from common.training.jobs import Job, jobs_of
from common.training.run_context import open_run_context
from common.training.trained_models import predictions
from common.workflow.files import read_test
from common.workflow.prepare import Prepared
from common.workflow.run_results import save_probs
from common.workflow.training_rows.teacher import Teacher, open_teacher
from common.workflow.unlabelled import Unlabelled, unlabelled

FOLDER = "pseudo_labels"  # in the run: the teacher's probs of each fold


def with_pseudo_labels(ready: Prepared, jobs: Sequence[Job]) -> tuple[Prepared, list[Job]]:
    """A run and its jobs with the test rows after the table's, and these among each job's rows.

    Which rows a fold got, and by which label, is listed in `pseudo_labels.csv`.

    Raises:
        KitError: there is no test set, or the teacher has other folds, rows or labels.
    """
    begun = time.perf_counter()
    teacher, test = open_teacher(ready), _test(ready, ready.recipe)
    noted = ready.run.read().get("pseudo") or {
        "run": str(teacher.run.folder),
        "test": test.data,
        "jobs": {},
    }
    if noted["test"] != test.data:
        raise KitError(
            f"the test set has changed since {ready.run.folder} was begun, and its rows are trained on "
            "(pseudo=): bring it back, or start over with --fresh"
        )
    ready.run.note(pseudo=noted)
    probs = _labelled(ready, teacher, test)
    banned = _near_held_out(ready, jobs, test.store)
    found, tables, facts, least = [], [], {}, ready.recipe.pseudo_threshold
    for job in jobs:
        said = probs[job.fold] if job.held_out is not None else mean([*probs.values()])
        sure = ready.setting.target.certainty(said) >= least if least else np.full(len(said), True)
        kept = sure & ~banned[job.name]
        found.append(_joined(ready, job, said, kept))
        facts[job.name] = {"rows": int(kept.sum()), "near_held_out": int((sure & ~kept).sum())}
        tables.append(_listed(ready, job, test, said, kept))
    stem = "" if jobs[0].held_out is not None else "_refit"
    with replacing(ready.run / f"pseudo_labels{stem}.csv") as temporary:
        pd.concat(tables).to_csv(temporary, index=False, lineterminator="\n")
    scores = teacher.run.read("scores.json")
    noted |= {"optimistic": scores["optimistic"]} if "optimistic" in scores else {}
    ready.run.note(pseudo=noted | {"jobs": noted["jobs"] | facts})
    ready.run.add_seconds("train", time.perf_counter() - begun)
    if ready.recipe.pseudo_images != "none":  # of test rows alone it is said with the test set
        for line in conversions(test.store, test.readable["id"].tolist()):
            say(f"  unlabelled images: {line}")
    if test.problem:
        say(f"  left out of the pseudo-labels: {test.problem}")
    _tell(ready.recipe, len(test.rows), list(facts.values()), refit=jobs[0].held_out is None)
    return _with_test_rows(ready, test.readable), found


def _tell(recipe: Recipe, count: int, facts: list[dict[str, int]], *, refit: bool) -> None:
    rows, near = ([each[name] for each in facts] for name in ("rows", "near_held_out"))
    what = "test row" if recipe.pseudo_images == "none" else "unlabelled image"
    by = f"its own fold; {sum(near):,} left out as near-duplicates of rows held out there"
    say(
        f"  pseudo={recipe.pseudo}: of {counted(count, what)} {span(rows)} a model, labelled by "
        + ("the mean of all its models" if refit else f"the model of {by}")
    )
    if not any(rows) and not any(near):
        say(
            f"  no row is sure enough (pseudo_threshold={recipe.pseudo_threshold:g}): none is added"
        )


def _test(ready: Prepared, recipe: Recipe) -> Unlabelled:
    test, place = read_test(ready.request, ready.files.folder), ready.recipe.pseudo_images
    more = [] if place == "none" else _images(ready, Path(place))
    if test.empty and not more:
        raise KitError(
            f"pseudo={ready.recipe.pseudo} labels test rows, and there is no test set: name a folder of "
            "images (pseudo_images=FOLDER), or set pseudo=none"
        )
    if not more:
        return unlabelled(ready.request, test, recipe, ready.store)
    table = pd.concat([test, pd.DataFrame(more, columns=["id", "path"])], ignore_index=True)
    what = f"the test set and pseudo_images={place}"
    return unlabelled(ready.request, table, recipe, ready.store, what)


def _images(ready: Prepared, place: Path) -> list[tuple[str, str]]:
    """The images in a folder or an archive: where the user finds each, which is its id, and its path."""
    found, hidden = [], all(each.name.startswith(".") for each in place.glob("*"))
    if not hidden if place.is_dir() else is_named_archive(place.name):
        folder = open_folder(place, ready.request.cache)
        found = [(f"{place}/{name}", f"{folder}/{name}") for name in image_names(folder)]
    if not found:
        raise KitError(
            f"pseudo_images={place} holds no image: name another folder, or set pseudo_images=none"
        )
    return found


def _labelled(ready: Prepared, teacher: Teacher, test: Unlabelled) -> dict[int, Probs]:
    """What the teacher's models of each fold say of the test rows [M, C]; kept in the run."""
    jobs, ids = jobs_of(teacher.recipe, ready.split.folds), test.readable["id"]
    paths = {job.fold: ready.run / FOLDER / f"fold{job.fold}.npz" for job in jobs}
    if not all(whole_arrays(path) for path in paths.values()):
        context = open_run_context(
            teacher.recipe,
            _test(ready, teacher.recipe).store,
            ready.setting.targets[:0],
            weights=None,
            evaluator=ready.setting.evaluator,
            cache=ready.setting.cache,
            trained=True,
        )
        folders = [teacher.run / job.name for job in jobs]
        said = predictions(context, folders, np.arange(len(ids)), label="pseudo-labels")
        models: dict[int, list[Probs]] = {}
        for job, groups in zip(jobs, said, strict=True):
            models.setdefault(job.fold, []).append(
                mean_over_views(groups, teacher.recipe.view_names)
            )
        for fold, each in models.items():
            save_probs(paths[fold], ids, mean(each))
    return {fold: read_arrays(path)["probs"] for fold, path in paths.items()}


def _near_held_out(
    ready: Prepared, jobs: Sequence[Job], test: Store
) -> dict[str, npt.NDArray[np.bool_]]:
    """Which test rows [M] are of the same shot as a row that a job holds out, by the job's name."""
    # Of the test rows each keeps its nearest: many copies of one shot cannot crowd one another out.
    pairs, groups = across(test, ready.store), ready.split.groups
    banned = {}
    for job in jobs:
        held = np.zeros(0, np.int64) if job.held_out is None else job.held_out
        digests = {ready.store.digests[row] for row in held}
        near = np.array([digest in digests for digest in test.digests])
        near[pairs["a"][np.isin(groups[pairs["b"]], groups[held])]] = True
        # Of very many copies one is listed, which stands for all of them.
        banned[job.name] = np.isin(test.digests, np.array(test.digests)[near])
    return banned


def _joined(ready: Prepared, job: Job, probs: Probs, kept: npt.NDArray[np.bool_]) -> Job:
    """A job with these test rows, which follow the table's, after its own."""
    target, own = ready.setting.target, ready.setting.answers_of(job)
    if own.ndim == 1:
        own = np.eye(len(target.outputs), dtype=np.float32)[own]
    said = probs[kept]
    if ready.recipe.pseudo_threshold:
        said = np.eye(said.shape[1], dtype=np.float32)[said.argmax(axis=1)]
    rows = np.concatenate([job.rows, len(ready.table) + np.flatnonzero(kept)])
    answers = np.concatenate([own, target.soft_labels(said)])
    return replace(job, rows=rows, answers=answers, pseudo=len(said))


def _listed(
    ready: Prepared, job: Job, test: Unlabelled, probs: Probs, kept: npt.NDArray[np.bool_]
) -> pd.DataFrame:
    labels = [ready.setting.target.said(each) for each in probs[kept]]
    return pd.DataFrame({"job": job.name, "id": test.readable["id"][kept], "label": labels})


def _with_test_rows(ready: Prepared, rows: pd.DataFrame) -> Prepared:
    """The run's setting on the images of the table and, after them, of these test rows."""
    both = pd.concat([ready.table[["id", "path"]], rows[["id", "path"]]], ignore_index=True)
    store = open_store(
        both,
        side=ready.recipe.store_short_side,
        bits=ready.recipe.bit_depth or ready.store.depth.bits,
        cache=ready.request.cache,
    )
    setting = ready.setting.on(store)
    # Answers of test rows are those of the jobs: what stands here is never read.
    targets = np.concatenate([setting.targets, np.repeat(setting.targets[:1], len(rows), axis=0)])
    return replace(ready, setting=replace(setting, targets=targets))
