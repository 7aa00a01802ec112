"""Weights in half precision: half the dataset, and what that costs, measured on held-out rows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from common.data.folds import read_split
from common.errors import KitError
from common.inference.evaluator import Evaluator
from common.inference.predict import mean, mean_over_views
from common.metrics import Probs
from common.run_files import read_arrays
from common.storage import read_json, replacing
from common.training.checkpoint import load_weights
from common.training.jobs import jobs_of
from common.training.run_context import open_run_context
from common.training.trained_models import predictions
from common.workflow.files import Files, weights_of
from common.workflow.predicting.contents import WEIGHTS, Package
from common.workflow.predicting.members import decided
from common.workflow.predicting.package import runs_of, submission_recipe
from common.workflow.prepare import labelled
from common.workflow.request import Request
from common.workflow.run_results import fold_files, predictions_folder, target_of

ROWS = 1000  # held-out rows of a run that are predicted again


@dataclass(frozen=True)
class Rounding:
    """What rounded weights do to a run: the same held-out rows, scored before and after.

    Attributes:
        largest: by how much a probability is off at most.
    """

    run: str
    rows: int
    before: float
    after: float
    largest: float


def halved(package: Package, folder: Path) -> Package:
    """The package with its matrices rounded to fp16, in new files; vectors stay as they are."""
    files = {
        name: _rounded(path, folder / name) if name.endswith(WEIGHTS) else path
        for name, path in package.files.items()
    }
    return replace(package, files=files, half=True)


def _rounded(path: Path, out: Path) -> Path:
    """A file of weights rounded; they are single precision again once they are loaded.

    Raises:
        KitError: a weight is beyond what half precision holds.
    """
    found = {}
    for name, tensor in load_weights(path).items():
        half = tensor.dtype == torch.float32 and tensor.ndim > 1
        found[name] = tensor.half() if half else tensor
        if half and not torch.isfinite(found[name]).all():
            raise KitError(f"{name} of {path} is too large for half precision: leave --half out")
    with replacing(out) as temporary:
        save_file(found, temporary)
    return out


def roundings(request: Request, package: Package, files: Files, folder: Path) -> Iterator[Rounding]:
    """Predict held-out rows of each run anew, with its folds' weights rounded in `folder`.

    A run without held-out rows has none.
    """
    for run in runs_of(request, package.run):
        recipe = submission_recipe(run)
        paths = fold_files(run, recipe)
        if not paths:
            continue
        table, store = labelled(request, files, recipe)
        target, ids = target_of(run), table["id"]
        evaluator = Evaluator(target, request.competition.scored_by)
        context = open_run_context(
            recipe,
            store,
            target.read(table),
            weights=weights_of(table),
            evaluator=evaluator,
            cache=request.cache,
            trained=True,
        )
        decision = read_json(predictions_folder(run, recipe) / "scores.json").get("decision")
        jobs = jobs_of(recipe, read_split(run / "folds.csv", ids).folds)
        parts: list[tuple[np.ndarray, Probs, Probs]] = []  # type: ignore[type-arg]
        for number, path in enumerate(paths):
            mine = [job for job in jobs if job.fold == number]
            held = mine[0].held_out
            assert held is not None
            at = np.arange(0, len(held), max(1, len(ids) // ROWS))
            places = [
                _rounded(run / job.name / WEIGHTS, folder / job.name / WEIGHTS).parent
                for job in mine
            ]
            found = predictions(context, places, held[at], label=f"{run.folder.name}, rounded")
            new = mean([mean_over_views(each, recipe.view_names) for each in found])
            old = mean_over_views(read_arrays(path), recipe.view_names)
            parts.append((held[at], old[at], new))
        rows, before, after = (np.concatenate(each) for each in zip(*parts, strict=True))
        before, after = (decided(target, each, decision) for each in (before, after))
        y = target.read(table.iloc[rows])
        weights = weights_of(table.iloc[rows])
        yield Rounding(
            run=run.folder.name,
            rows=len(rows),
            before=evaluator.score(before, y, weights),
            after=evaluator.score(after, y, weights),
            largest=float(np.abs(before - after).max()),
        )
