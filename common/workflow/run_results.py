"""A run's results read from its files: predictions, scores, the JSON that verbs return."""

import hashlib
import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common.data.folds import read_folds
from common.data.pixels.store import Store
from common.errors import KitError
from common.inference.blend import Predictions
from common.metrics import Probs
from common.progress import counted, first_of
from common.recipe import Recipe
from common.recipe_values import differences, stage_of
from common.run_files import NEVER, read_arrays, reading
from common.runs import EXTERNAL_FILE, Run, digest_file
from common.storage import read_json, replacing, write_json
from common.targets import OneClass, Target, from_facts
from common.workflow.files import fingerprint_of
from common.workflow.request import Request, place_of

FOLD = re.compile(r"fold(\d+)\.npz")


def predictions_folder(run: Run, recipe: Recipe) -> Path:
    """A run and predict fields to `predictions/<8 hex>`, the hex a hash of fields and code."""
    fields = differences(recipe, ("predict",)) | {"code": run.read()["code"]}
    name = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:8]
    folder = run / "predictions" / name
    if not (folder / "fields.json").is_file():
        write_json(folder / "fields.json", fields)
    return folder


def submission_folder(run: Run) -> Path:
    """Where the probs and scores of a run's submission.csv are, whatever was scored since."""
    facts = run.read()
    if name := facts.get("predictions"):
        return run / name
    return predictions_folder(run, Recipe(**facts.get("predicted", {})))


def judged_folder(run: Run) -> Path:
    """Where a run's oof.npz and scores.json are that stand for it: its submission.csv's, else the last."""
    return submission_folder(run) if "predicted" in run.read() else run.folder


def predicted_recipe(run: Run, fields: Mapping[str, Any]) -> Recipe:
    """A trained run's recipe with these predict fields, all others of them at their default."""
    plain = {name: value for name, value in asdict(Recipe()).items() if stage_of(name) == "predict"}
    return replace(run.recipe(), **(plain | dict(fields)))


def note_predicted(run: Run, recipe: Recipe, test: str) -> None:
    """Keep of a submission.csv, just written, its digest, predict fields, folder and its file `test`."""
    folder = str(predictions_folder(run, recipe).relative_to(run.folder))
    fields, digest = differences(recipe, ("predict",)), digest_file(run / "submission.csv")
    run.note(predicted=fields, predictions=folder, test=test, submission=digest)


def fold_files(run: Run, recipe: Recipe) -> list[Path]:
    """The files of a run's held-out probs, one a fold: `ids` [M], and [M, C] by view group."""
    # Beside them may be each model's own, as fold0.held-out.npz.
    found = [
        (FOLD.fullmatch(each.name), each) for each in predictions_folder(run, recipe).iterdir()
    ]
    return [path for _, path in sorted((int(match[1]), path) for match, path in found if match)]


def save_probs(path: Path, ids: Iterable[str], probs: Probs) -> None:
    """Write ids [N] and probs [N, C] to an npz file, atomically."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, ids=np.array([*ids], dtype=str), probs=probs)


def target_of(run: Run) -> Target:
    """The target that a run was trained for; runs of older versions of the kit knew classes alone."""
    if not (run / "target.json").is_file():
        return OneClass(names=tuple(read_json(run / "classes.json")))
    return from_facts(read_json(run / "target.json"))


def scores_of(run: Run) -> dict[str, Any]:
    """A run to the scores of its submission.csv; other views= may have been scored since.

    Empty for a submission file from elsewhere.

    Raises:
        KitError: they are gone, or a run of before was resumed with changed code (--accept-code).
    """
    if run.read()["kind"] == EXTERNAL_FILE:
        return {}
    path = submission_folder(run) / "scores.json"
    if not path.is_file():
        raise KitError(
            f"{run.folder} no longer holds the scores of its submission.csv: "
            f"`kit <competition> predict --run {shlex.quote(str(run.folder))}` makes both anew"
        )
    return dict(read_json(path))


def result_of(run: Run, scores: dict[str, Any] | None = None) -> dict[str, Any]:
    """A run to its JSON result, as far as it has come; `scores` default to scores.json."""
    facts, found = run.read(), scores or run.read("scores.json")
    result: dict[str, Any] = {"run": str(run.folder), "metric": facts["metric"]}
    result |= {
        key: found[key] for key in ("cv", "cv_sd", "fold_scores", "pooled", "n") if key in found
    }
    path, sent = run / "submission.csv", facts.get("submitted", [])
    if path.is_file() and facts.get("predicted") == found.get("predict"):
        result["submission"] = str(path)
        result |= {key: found[key] for key in ("test", "test_n", "unreadable") if key in found}
        scored = sent and sent[-1].get("status", "complete") == "complete"
        if scored and sent[-1]["file"] == digest_file(path):
            result |= {key: sent[-1][key] for key in ("public", "private", "ref")}
    result["seconds"] = round(sum(facts.get("seconds", {}).values()), 1)
    result["images_per_second"] = round(facts.get("images_per_second", 0.0), 1)
    result["peak_memory_mb"] = round(facts.get("peak_memory", {}).get("host", 0.0), 1)
    if "optimistic" in found:
        result["optimistic"] = found["optimistic"]
    return result


@dataclass(frozen=True)
class PredictedRun:
    """A run's out-of-fold and test predictions, behind its submission.csv.

    Attributes:
        test_name: the file of the test probs, named by the test set's fingerprint.
        digest: of both files of probs.
    """

    run: Run
    held_out: Predictions
    test: Predictions
    test_name: str
    digest: str
    scores: dict[str, Any]


def read_predictions(run: Run) -> PredictedRun:
    """A run to the predictions its submission.csv was made from.

    Raises:
        KitError: it has not predicted the test set.
    """
    facts = run.read()
    name = facts.get("test", "")
    if not run.recipe().folds:
        raise KitError(
            f"{run.folder} was trained with folds=0: it has no out-of-fold predictions to fit its "
            "weight on: leave it out, or train with folds="
        )
    folder = submission_folder(run)
    held_out, test = folder / "oof.npz", folder / name
    if not name or not held_out.is_file() or not test.is_file():
        raise KitError(
            f"{run.folder} has not predicted the test set: `kit <competition> predict "
            f"--run {shlex.quote(str(run.folder))}` does"
        )
    classes = read_json(run / "classes.json")
    return PredictedRun(
        run=run,
        held_out=_read(run, held_out, classes),
        test=_read(run, test, classes),
        test_name=name,
        digest=digest_file(held_out) + digest_file(test),
        scores=scores_of(run),
    )


def check_data(run: Run, table: pd.DataFrame, store: Store, target: Target) -> None:
    """Raise a KitError if the run was made from other rows, labels or images.

    The order of rows and classes may differ.
    """
    if data_of(run, table, store, target, read_json(run / "classes.json")) != run.read()["data"]:
        raise KitError(
            f"{run.folder} was made from other labels or images than are there now: name the data "
            f"it was made from (--data {place_known(run)}), or leave it out"
        )


def place_known(run: Run) -> str:
    """Where the run's data lay when it was last used, as a shell's word; DIR where nothing is there now."""
    place = run.read().get("place", "")
    return shlex.quote(place) if place and Path(place).exists() else "DIR"


def other_data(run: Run, request: Request) -> str:
    """Of a run that was made from other data than the request's: what it is, and the ways out."""
    here = request.data_folder
    own = "DIR" if run.read().get("place") == place_of(request) else place_known(run)
    return (
        f"{run.folder} was made from other data than {here} holds: name its own (--data {own}), name "
        f"another run (--run RUN), or train one on these (`{request.command('run')}`)"
    )


def data_of(
    run: Run, table: pd.DataFrame, store: Store, target: Target, classes: Sequence[str]
) -> str:
    """The data's fingerprint, rows in the run's order, classes in the order given.

    Raises:
        KitError: the run has other rows.
    """
    listed = read_folds(run / "folds.csv")
    ids = listed["id"][listed["repeat"] == 0].tolist()
    with reading(run / "folds.csv", NEVER):
        if len(ids) != (rows := run.read().get("rows", len(ids))):
            raise ValueError(f"it has {len(ids):,} of {counted(rows, 'row')}")
    strange = sorted(set(ids) ^ set(table["id"]))
    if strange:
        raise KitError(
            f"{run.folder} was made from {len(ids):,} rows, and here are {len(table):,}; one has "
            f"{first_of(strange)} and the other not: name runs of the same rows=, or the data it was made "
            f"from (--data {place_known(run)})"
        )
    at = pd.Index(table["id"]).get_indexer(pd.Index(ids))
    digests = [store.digests[row] for row in at]
    return fingerprint_of(table.iloc[at], target, digests, list(classes))


def _read(run: Run, path: Path, classes: list[str]) -> Predictions:
    kept = read_arrays(path)
    return Predictions(str(run.folder), kept["ids"].tolist(), classes, kept["probs"])
