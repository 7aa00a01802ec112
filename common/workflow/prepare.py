"""A request to a run ready to train: decoded images, folds, model setting, locked folder."""

import inspect
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.code_digest import code_digest
from common.data.folds import Split, assign_folds, groups_of, read_split, sample_rows, write_split
from common.data.pixels.conversion_report import conversions, dark_problems
from common.data.pixels.store import Store, open_store
from common.errors import KitError
from common.inference.decisions import kind_for
from common.models.backbone_names import check_backbones, check_doubles
from common.models.weights import read_weights
from common.progress import say
from common.recipe import Recipe
from common.recipe_values import with_values
from common.runs import (
    EXTERNAL_FILE,
    WITH_MODELS,
    Run,
    clear_run,
    digests_of_files,
    locked_run,
    open_run,
    run_folder,
)
from common.storage import read_json, write_json
from common.targets import Target
from common.training.checkpoint import is_finished
from common.training.jobs import jobs_of, refit_jobs
from common.training.run_context import RunContext, open_run_context
from common.training.updates.optimisers import check_optimiser
from common.workflow.files import Files, fingerprint_of, open_files, weights_of
from common.workflow.report.trackers import Tracker, check_tracker, tracking
from common.workflow.request import Request, place_of
from common.workflow.run_results import other_data


@dataclass(frozen=True)
class Prepared:
    """A locked run, and everything its jobs need."""

    request: Request
    recipe: Recipe
    run: Run
    files: Files
    table: pd.DataFrame
    store: Store
    split: Split
    setting: RunContext
    code: str  # the digest when this process started: files may be edited meanwhile
    tracker: Tracker


@contextmanager
def prepared(request: Request, *, of: Run | None = None, job: str = "") -> Iterator[Prepared]:
    """A request to its prepared run, everything before training; locked until the block ends.

    The run is the one that recipe and data name, or an existing one (`of`), whose predict and
    runtime fields the request may change. A `job` that is trained alone has a folder of its own
    below `jobs/`, so that several can be trained at once. Nothing is written before all checks have
    passed.

    Raises:
        KitError: files, fields or the backbone are not usable, or `of` was made from other data.
    """
    recipe, started = request.recipe, time.perf_counter()
    code = code_of(request)
    if of is not None:
        check_trained(of)
        recipe = with_values(of.recipe(), request.words_of("predict", "runtime"))
    check_backbones(recipe.backbones)
    check_doubles(recipe.backbones)
    check_optimiser(recipe.optimizer)
    files = open_files(request)
    table, store = labelled(request, files, recipe)
    remarks = files.target.remarks(files.train, files.sample)
    for line in remarks + conversions(store, table["id"].tolist()) + dark_problems(store):
        say(line)
    data = fingerprint_of(table, files.target, store.digests, files.classes)
    folder = of.folder if of else _folder(request, recipe, data)
    if job:
        folder = folder.parent / "jobs" / job / folder.name
    with locked_run(folder):
        if request.fresh or not _is_trained(folder):
            clear_run(folder)  # leftovers of a failed start
        elif Run(folder).read()["data"] != data:
            raise KitError(other_data(Run(folder), request))
        else:
            _check_task(Run(folder), request, files.target)
        split = _split(folder, table, store, recipe, files.target)
        setting = _setting(
            request, recipe, folder, folds=split.folds, store=store, files=files, table=table
        )
        run = open_run(
            folder,
            recipe,
            {
                "competition": request.competition.name,
                "recipe_name": request.recipe_name,
                "metric": request.competition.metric,
                "data": data,
                "rows": len(table),
                "code": code,
                "files": Run(folder).read().get("files") or digests_of_files(recipe),
            },
        )
        write_json(run / "classes.json", list(files.classes))
        write_json(run / "target.json", files.target.facts())
        if not (run / "folds.csv").is_file():
            write_split(run / "folds.csv", table["id"], split)
        run.note(place=place_of(request))
        run.add_seconds("prepare", time.perf_counter() - started)
        with tracking(run, recipe) as tracker:
            yield Prepared(request, recipe, run, files, table, store, split, setting, code, tracker)


def labelled(request: Request, files: Files, recipe: Recipe) -> tuple[pd.DataFrame, Store]:
    """A recipe to its labelled rows and their images."""
    strata = files.target.strata(files.target.read(files.train))
    rows = sample_rows(strata, recipe.rows, recipe.split_seed)
    table = files.train.iloc[rows].reset_index(drop=True)
    store = open_store(
        table, side=recipe.store_short_side, bits=recipe.bit_depth, cache=request.cache
    )
    return table, store


def code_of(request: Request) -> str:
    """A request to the digest of the code that its results depend on."""
    return code_digest(Path(inspect.getfile(request.competition.read_train)).parent)


def check_trained(run: Run) -> None:
    """Raise a KitError if the run has no models of its own."""
    kind = run.read()["kind"]
    if kind not in WITH_MODELS:
        raise KitError(
            f"{run.folder} is {'a file from elsewhere' if kind == EXTERNAL_FILE else kind} and has no "
            "models of its own: name a run that was trained (--run RUN)"
        )


def check_code(ready: Prepared) -> None:
    """Raise a KitError before a run is resumed with other code than it was started with.

    Raises:
        KitError: the digests differ, and --accept-code was not given.
    """
    run, now, then = ready.run, ready.code, ready.run.read()["code"]
    if then == now:
        return
    if ready.request.accept_code:
        say(f"going on with changed code, as asked (begun with {then}, now {now})")
        run.note(code=now, code_before=[*run.read().get("code_before", []), then])
        return
    raise KitError(
        f"the code has changed since {run.folder} was begun (digest {then}, now {now}): its numbers "
        "would mix the two. Start over with --fresh, go back to the old code, or go on all the "
        "same with --accept-code"
    )


def _folder(request: Request, recipe: Recipe, data: str) -> Path:
    if recipe.weights not in ("scratch", "pretrained"):
        read_weights(Path(recipe.weights))  # an unreadable file is reported before it is hashed
    return run_folder(request.runs, request.competition.name, request.recipe_name, recipe, data)


def _check_task(run: Run, request: Request, target: Target) -> None:
    """Raise a KitError where the competition's metric or target is no longer the run's."""
    kept, now, path = run.read()["metric"], request.competition.metric, run / "target.json"
    facts = json.loads(json.dumps(target.facts()))
    before = read_json(path) if path.is_file() else facts
    if kept == now and before == facts:
        return
    raise KitError(
        f"{run.folder} was made for {before['kind']} by {kept}, and {request.competition.name} now has "
        f"{target.kind} by {now}: start over with --fresh, or in another folder (--runs DIR)"
    )


def _is_trained(folder: Path) -> bool:
    """Has any job of the run finished an epoch?"""
    trained = any(folder.glob("*/log.jsonl")) or any(folder.glob("*/weights.safetensors"))
    if trained and not Run(folder).read():
        raise KitError(
            f"{folder} holds trained models and no run.json: bring it back, move the folder away, or "
            "start over with --fresh"
        )
    return trained


def _split(
    folder: Path, table: pd.DataFrame, store: Store, recipe: Recipe, target: Target
) -> Split:
    """The run's folds and groups: computed before training, then read from its folds.csv."""
    if (folder / "folds.csv").is_file():
        return read_split(folder / "folds.csv", table["id"])
    if not recipe.folds and recipe.groups == "near":
        # Without a validation split the search, a minute and more, would change nothing.
        recipe = replace(recipe, groups="none")
    groups = groups_of(table, store, recipe.groups)
    strata = target.strata(target.read(table))
    return Split(assign_folds(strata, groups, recipe), groups.to_numpy(dtype=object))


def _setting(
    request: Request,
    recipe: Recipe,
    folder: Path,
    *,
    folds: npt.NDArray[np.int64],
    store: Store,
    files: Files,
    table: pd.DataFrame,
) -> RunContext:
    """The jobs' setting; a run that is trained no longer needs the files of its initial weights."""
    begun = Run(folder).read().get("files", {})
    jobs = jobs_of(recipe, folds)
    jobs += refit_jobs(recipe, folds) if recipe.final == "refit" else []
    trained = all(is_finished(folder / job.name) for job in jobs)
    if not trained and begun and begun != digests_of_files(recipe):
        raise KitError(
            f"{folder} was begun with other contents of {', '.join(begun)}: bring the files back, or "
            "start over with --fresh"
        )
    check_tracker(recipe.tracker)
    kind_for(recipe.decision, files.evaluator)  # a decision without a meaning is refused early
    context = open_run_context(
        recipe,
        store,
        files.target.read(table),
        weights=weights_of(table),
        evaluator=files.evaluator,
        cache=request.cache,
        trained=trained,
    )
    if (told := context.normalisation()) and not trained:
        say(told)
    return context
