"""A finished run or a blend as files that predict any test set without its training data."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common.competition import Competition
from common.data.folds import read_split
from common.errors import KitError
from common.inference.decisions import kind_for
from common.inference.predict import least_certain
from common.metrics import Probs
from common.recipe import Recipe
from common.recipe_values import model_folders, with_model_folders
from common.run_files import read_arrays
from common.runs import Run
from common.storage import read_json, write_json
from common.submission import FLOAT_FORMAT, format_of, rows_of
from common.targets import Target, from_facts
from common.training.jobs import jobs_of, refit_jobs
from common.workflow.files import Files, open_files
from common.workflow.find_run import named_run
from common.workflow.predicting.contents import FORMAT, PREDICTOR, WEIGHTS, Package
from common.workflow.prepare import check_trained, labelled
from common.workflow.request import Request
from common.workflow.run_results import (
    check_data,
    fold_files,
    predicted_recipe,
    predictions_folder,
    read_predictions,
    scores_of,
    target_of,
)


def package_of(request: Request, run: Run) -> Package:
    """A run with its submission.csv to the package that predicts as it did.

    Raises:
        KitError: it has not predicted, or was made from other data.
    """
    if not (run / "submission.csv").is_file() or not run.read().get("test"):
        raise KitError(
            f"{run.folder} has not predicted the test set: `{request.command('predict', '--run', str(run.folder))}` "
            "does, and a kernel predicts as it did"
        )
    scores_of(run)  # of its submission.csv, by the code that wrote it
    found, files = Package(run), open_files(request)
    node, prior = _node(request, run, files, found), _prior(run)
    found.facts = {
        "format": FORMAT,
        "competition": request.competition.name,
        "run": run.folder.name,
        "prior": prior.tolist(),
        "mean": _mean_cells(request.competition, from_facts(node["target"]), files.sample, prior),
        "node": node,
    }
    return found


def laid_out(package: Package, folder: Path) -> Path:
    """The folder of a package as a kernel finds it: links to its files, and its facts."""
    for name, path in package.files.items():
        link = folder / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path.resolve())
    write_json(folder / PREDICTOR, package.facts)
    return folder


def submission_recipe(run: Run) -> Recipe:
    """The recipe by which a run's submission.csv was predicted."""
    return predicted_recipe(run, run.read().get("predicted", {}))


def members_of(request: Request, run: Run) -> list[Run]:
    """The runs that a blend is made of, where they lie now."""
    places = [Path(row["run"]) for row in run.read()["members"]]
    return [named_run(request, each if each.is_dir() else Path(each.name)) for each in places]


def runs_of(request: Request, run: Run) -> Iterator[Run]:
    """The trained runs of a blend of whatever depth, in order; of another run itself."""
    if run.read()["kind"] != "blended":
        yield run
        return
    for member in members_of(request, run):
        yield from runs_of(request, member)


def _node(request: Request, run: Run, files: Files, package: Package) -> dict[str, Any]:
    if run.read()["kind"] != "blended":
        return _of_models(request, run, files, package)
    members = []
    for row, member in zip(run.read()["members"], members_of(request, run), strict=True):
        if read_predictions(member).digest != row["digest"]:
            raise KitError(
                f"{member.folder} has predicted anew since {run.folder} was blended of it: blend again"
            )
        members.append(_node(request, member, files, package))
    return {
        "kind": "blend",
        "target": files.target.facts(),
        "members": members,
        "weights": [row["weight"] for row in run.read()["members"]],
        "decision": _values(run.read("scores.json").get("decision")),
    }


def _of_models(request: Request, run: Run, files: Files, package: Package) -> dict[str, Any]:
    """The models of a trained run; what they have from the training images are bits and one shape."""
    check_trained(run)
    recipe = submission_recipe(run)
    table, store = labelled(request, files, recipe)
    check_data(run, table, store, files.target)
    folds = read_split(run / "folds.csv", table["id"]).folds
    jobs = (refit_jobs if recipe.final == "refit" else jobs_of)(recipe, folds)
    number = str(len(package.recipes))
    package.files |= {f"{number}/{job.name}/{WEIGHTS}": run / job.name / WEIGHTS for job in jobs}
    package.recipes.append(recipe)
    decision = None
    if kind_for(recipe.decision, files.evaluator) != "none" and recipe.folds:
        decision = read_json(predictions_folder(run, recipe) / "scores.json")["decision"]
    return {
        "kind": "models",
        "name": run.folder.name,
        "target": target_of(run).facts(),
        "recipe": _told(recipe, number, package),
        "jobs": [f"{number}/{job.name}" for job in jobs],
        "bits": store.depth.bits,
        "shape": store.shapes[0].tolist() if store.uniform else None,
        "decision": _values(decision),
        "certain": _certain(run, recipe),
    }


def _certain(run: Run, recipe: Recipe) -> float | None:
    """The certainty up to which a row gets all views: that of the least certain share out of fold."""
    if recipe.tta_fraction == 1 or len(recipe.view_names) == 1:
        return None
    held = [read_arrays(path) for path in fold_files(run, recipe)]
    if not held:
        raise KitError(
            f"{run.folder} has no out-of-fold predictions, by which a threshold for the least certain "
            f"{recipe.tta_fraction:.0%} of a test set (tta_fraction) is fitted: predict with tta_fraction=1"
        )
    certainty = target_of(run).certainty(np.concatenate([each["identity"] for each in held]))
    return float(certainty[least_certain(certainty, recipe.tta_fraction)].max())


def _told(recipe: Recipe, number: str, package: Package) -> dict[str, Any]:
    """The recipe's fields without a path or a device of this machine; a model folder's config goes along."""
    found = asdict(recipe) | {"device": "auto", "groups": "none"}
    found |= {"pseudo": "none", "pseudo_images": "none", "pseudo_threshold": 0.0}
    if recipe.weights not in ("scratch", "pretrained"):
        found["weights"] = Path(recipe.weights).name
    folders = model_folders(recipe)
    places = [f"{number}/backbone{at or ''}" for at in range(len(folders))]
    for place, folder in zip(places, folders, strict=True):
        package.files[f"{place}/config.json"] = folder / "config.json"
    return found | {"backbone": with_model_folders(recipe, places).backbone}


def _values(decision: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {name: decision[name] for name in ("kind", "values")} if decision else None


def _prior(run: Run) -> Probs:
    """The mean prediction [C]: of held-out rows, or where there are none, of the visible test set."""
    recipe = Recipe() if run.read()["kind"] == "blended" else submission_recipe(run)
    folder = predictions_folder(run, recipe)
    path = folder / "oof.npz" if (folder / "oof.npz").is_file() else folder / run.read()["test"]
    return np.asarray(read_arrays(path)["probs"].mean(axis=0))


def _mean_cells(
    competition: Competition, target: Target, sample: pd.DataFrame, prior: Probs
) -> dict[str, Any]:
    """What `write_mean` takes: `long`, and the mean prediction as the text of a submission's cells."""
    form = format_of(target, competition.scored_by, sample, long=competition.long)
    identity, *columns = sample.columns
    ids = (
        [form.long.format(id="an id", name=each) for each in form.names] if form.long else ["an id"]
    )
    one = pd.DataFrame({identity: ids, **dict.fromkeys(columns, "")}, dtype=str)
    rows = rows_of(form, target, one, ids=["an id"], probs=prior[None])
    text = rows.to_csv(index=False, float_format=FLOAT_FORMAT)
    written = [row[1:] for row in csv.reader(io.StringIO(text))][1:]
    cells = zip(form.names, (row[0] for row in written), strict=True)
    return {
        "long": form.long,
        "cells": dict(cells if form.long else zip(columns, written[0], strict=True)),
    }
