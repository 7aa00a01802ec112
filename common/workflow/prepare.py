"""From files to a run that is ready to train: unpacked, checked, decoded, folded, locked."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.atomic import write_json
from common.data.archives import open_folder
from common.data.folds import assign_folds, groups_of, read_folds, sample_rows, write_folds
from common.data.store import Store, open_store
from common.data.table import check_table, read_csv
from common.models.backbone import check_backbone, read_weights
from common.progress import first_of, say
from common.recipe import Recipe, differences, with_values
from common.runs import Run, begin, code_digest, fingerprint, owned, run_folder
from common.training.optimisers import check_optimiser
from common.training.setting import Job, Setting, open_setting
from common.workflow.request import Request


@dataclass(frozen=True)
class Files:
    """A competition's files, read and checked: every row, before any sample is taken."""

    folder: Path
    sample: pd.DataFrame
    train: pd.DataFrame
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Prepared:
    """A run that this process owns, and what its jobs need."""

    request: Request
    recipe: Recipe
    run: Run
    files: Files
    table: pd.DataFrame
    store: Store
    folds: npt.NDArray[np.int64]
    setting: Setting
    code: str  # the digest when this process began: what it runs, whatever is edited meanwhile


def open_files(request: Request) -> Files:
    """Unpack what is packed, read the tables and the sample, and settle the classes.

    Raises:
        ValueError: files missing or broken, or labels that the sample submission does not know.
    """
    competition = request.competition
    folder = open_folder(request.data_folder, request.cache)
    source = f"the training table of {folder}"
    train = check_table(competition.read_train(folder), labelled=True, source=source)
    sample = read_csv(folder / competition.sample)
    return Files(folder, sample, train, classes_of(sample, train, folder / competition.sample))


def classes_of(sample: pd.DataFrame, train: pd.DataFrame, path: Path) -> tuple[str, ...]:
    """The sample's class columns where it has them, else the labels, sorted.

    Raises:
        ValueError: a training label that is no column of a sample of class columns.
    """
    labels = sorted(set(train["label"]))
    if len(sample.columns) == 2:
        if len(labels) < 2:
            raise ValueError(f"all training labels are {labels[0]!r}: there is nothing to learn")
        return tuple(labels)
    classes = tuple(sample.columns[1:])
    unknown = [label for label in labels if label not in classes]
    if unknown:
        raise ValueError(
            f"the labels {first_of(unknown)} are no column of {path.name} ({len(classes)} classes): "
            "correct the labels, or download the files again"
        )
    return classes


def read_test(request: Request, folder: Path) -> pd.DataFrame:
    """The checked test table."""
    test = request.competition.read_test(folder)
    return check_table(test, labelled=False, source=f"the test set of {folder}")


@contextmanager
def prepared(request: Request, *, of: Run | None = None) -> Iterator[Prepared]:
    """Everything up to training; the run is this process's own until the block ends.

    The run is the one that the request's recipe and the data name, or an existing one (`of`), whose
    predict and runtime fields the request may change.

    Raises:
        ValueError: files, fields or the backbone are not usable, or `of` was made from other data.
    """
    recipe, started = request.recipe, time.perf_counter()
    code = code_digest(_competition_folder(request))
    if of is not None:
        recipe = with_values(of.recipe(), request.words_of("predict", "runtime"))
    check_backbone(recipe.backbone)
    check_optimiser(recipe.optimizer)
    if recipe.weights not in ("scratch", "pretrained"):
        read_weights(Path(recipe.weights))
    files = open_files(request)
    rows = sample_rows(files.train["label"], recipe.rows, recipe.split_seed)
    table = files.train.iloc[rows].reset_index(drop=True)
    store = open_store(table, side=recipe.stored_side, cache=request.cache)
    data = fingerprint(table["id"].tolist(), table["label"].tolist(), store.digests, files.classes)
    folder = run_folder(request.runs, request.competition.name, request.recipe_name, recipe, data)
    if of is not None:
        folder = of.folder
        if of.read()["data"] != data:
            raise ValueError(
                f"{folder} was made from other data than {files.folder} holds: name its own (--data DIR)"
            )
    with owned(folder):
        if request.fresh:
            clear(folder)
        run = begin(folder, recipe, _facts(request, data, len(table), code))
        write_json(run / "classes.json", list(files.classes))
        folds = _folds(run, table, store, recipe)
        position = {name: index for index, name in enumerate(files.classes)}
        targets = np.array([position[label] for label in table["label"]], dtype=np.int64)
        setting = open_setting(
            recipe, store, targets, classes=files.classes, metric=request.competition.scored_by
        )
        run.note(runtime=differences(recipe, ("runtime",)), device=str(setting.device),
                 precision=setting.precision)  # fmt: skip
        run.add_seconds("prepare", time.perf_counter() - started)
        yield Prepared(request, recipe, run, files, table, store, folds, setting, code)


def _folds(run: Run, table: pd.DataFrame, store: Store, recipe: Recipe) -> npt.NDArray[np.int64]:
    """The run's folds: drawn once, before any model, and read from the run ever after."""
    path = run / "folds.csv"
    if not path.is_file():
        groups = groups_of(table, store.digests, recipe.groups)
        write_folds(path, table["id"], assign_folds(table["label"], groups, recipe))
    return read_folds(path, table["id"])


def check_code(ready: Prepared) -> None:
    """Stop before work is continued by other code than it was begun with.

    Raises:
        ValueError: the digests differ, and the person has not said to go on.
    """
    run, now = ready.run, ready.code
    then = run.read().get("code")
    if then == now:
        return
    if not any(run.folder.glob("*/log.jsonl")):  # no epoch was finished: nothing can mix
        run.note(code=now)
        return
    if ready.request.options.get("accept_code"):
        say(f"going on with changed code, as asked (begun with {then}, now {now})")
        run.note(code=now, code_before=[*run.read().get("code_before", []), then])
        return
    raise ValueError(
        f"the code has changed since {run.folder} was begun (digest {then}, now {now}): its numbers "
        "would mix the two. Start over with --fresh, go back to the old code, or go on all the "
        "same with --accept-code"
    )


def jobs_of(recipe: Recipe, folds: npt.NDArray[np.int64]) -> list[Job]:
    """One job for every repeat, fold and training seed, in that order."""
    jobs = []
    for repeat, fold in enumerate(folds):
        for held in range(fold.max() + 1):
            number = repeat * int(folds.max() + 1) + held
            out, rows = np.flatnonzero(fold == held), np.flatnonzero(fold != held)
            assert not set(out) & set(rows)
            jobs += [
                Job(job_name(f"fold{number}", extra), number, recipe.seed + extra, rows, out)
                for extra in range(recipe.seeds)
            ]
    return jobs


def refit_jobs(recipe: Recipe, count: int, number: int) -> list[Job]:
    """The course's way: one job a training seed on all `count` rows, judged by nobody."""
    rows = np.arange(count)
    return [
        Job(job_name("refit", extra), number, recipe.seed + extra, rows, None)
        for extra in range(recipe.seeds)
    ]


def job_name(stem: str, extra: int) -> str:
    """A job's folder: fold0, and fold0-seed1 for a second training seed."""
    return f"{stem}-seed{extra}" if extra else stem


def clear(folder: Path) -> None:
    """Remove what a run holds, but the lock that this process has on it."""
    import shutil

    for path in folder.iterdir():
        if path.name not in (".lock", "owner"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _facts(request: Request, data: str, rows: int, code: str) -> dict[str, object]:
    return {
        "competition": request.competition.name, "recipe_name": request.recipe_name,
        "metric": request.competition.metric, "data": data, "rows": rows, "code": code,
    }  # fmt: skip


def _competition_folder(request: Request) -> Path:
    import inspect

    return Path(inspect.getfile(request.competition.read_train)).parent
