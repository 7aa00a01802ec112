"""What fewer views score out of fold: computed from the held-out predictions that each view group left."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from common.data.folds import read_folds, read_split
from common.inference.blend import Predictions, align, fitted_apart, weighted_mean
from common.inference.evaluator import Evaluator
from common.inference.fitting import decided_as
from common.inference.out_of_fold import (
    FoldProbs,
    FoldViewProbs,
    cv_scores,
    fold_probs,
    pooled,
)
from common.run_files import read_arrays
from common.runs import Run
from common.storage import read_json
from common.workflow.blending import held_rows
from common.workflow.files import Files, weights_of
from common.workflow.predicting.package import members_of, runs_of, submission_recipe
from common.workflow.request import Request
from common.workflow.run_results import (
    fold_files,
    predictions_folder,
    read_predictions,
    target_of,
)


@dataclass(frozen=True)
class HeldOut:
    """With so many view groups, the first ones: the score, and what a blend makes its mean of."""

    score: float | None
    probs: Predictions


def scores_by_views(request: Request, run: Run, files: Files, most: int) -> list[float | None]:
    """The `cv` of a run with the first 1, 2, … `most` view groups (of a blend: of each member's).

    All else stays: the models, each fold's decision and blend weights, fitted on the other folds with all
    views. The last is therefore the run's own `cv`. None: no rows were held out.
    """
    files_of = [fold_files(each, submission_recipe(each)) for each in runs_of(request, run)]
    if not all(files_of):
        return [None] * most
    return [each.score for each in _held_out(request, run, files, most)]


def _held_out(request: Request, run: Run, files: Files, most: int) -> Sequence[HeldOut]:
    if run.read()["kind"] == "blended":
        return _of_blend(request, run, files, most)
    recipe, target = submission_recipe(run), target_of(run)
    listed = read_folds(run / "folds.csv")
    ids = listed["id"][listed["repeat"] == 0].tolist()
    table = files.train.set_index("id", drop=False).loc[ids]
    held = [_read(path, ids) for path in fold_files(run, recipe)]
    groups = read_split(run / "folds.csv", pd.Series(ids)).groups
    decision = read_json(predictions_folder(run, recipe) / "scores.json").get("decision")
    y, evaluator = target.read(table), Evaluator(target, request.competition.scored_by)
    found = []
    for views in range(1, most + 1):
        folds = fold_probs(held, recipe.view_names[:views])
        if decision:
            folds = decided_as(folds, y, groups, target, facts=decision)
        score = cv_scores(folds, y, evaluator, weights_of(table))["cv"]
        rows, probs = pooled(folds, len(ids))
        named = Predictions(str(run.folder), [ids[row] for row in rows], target.names, probs)
        found.append(HeldOut(score, named))
    return found


def _read(path: Path, ids: Sequence[str]) -> FoldViewProbs:
    groups = read_arrays(path)
    rows = pd.Index(ids).get_indexer(pd.Index(groups.pop("ids").tolist()))
    return FoldViewProbs(rows, groups)


def _of_blend(request: Request, run: Run, files: Files, most: int) -> list[HeldOut]:
    """Each part by the weights that the others' rows choose, with all views as the blend did."""
    runs = members_of(request, run)
    members = [_held_out(request, each, files, most) for each in runs]
    table = files.train.set_index("id", drop=False)
    held = held_rows([read_predictions(each) for each in runs], files, table)
    kind = run.read()["weights"]
    parts = [np.flatnonzero(held.parts == part) for part in np.unique(held.parts)]
    weights = [
        fitted_apart(
            held.stack,
            held.targets,
            held.parts == number,
            kind=kind,
            evaluator=files.evaluator,
            counts=held.weights,
        )
        for number in np.unique(held.parts)
    ]
    decision = run.read("scores.json").get("decision")
    found = []
    for views in range(most):
        stack = np.stack([align(each[views].probs, held.ids, files.classes) for each in members])
        folds = [
            FoldProbs(part, weighted_mean(stack[:, part], each))
            for part, each in zip(parts, weights, strict=True)
        ]
        if held.single:  # it was halved only for the weights
            folds = [FoldProbs(*pooled(folds, len(held.ids)))]
        if decision:
            folds = decided_as(folds, held.targets, held.groups, files.target, facts=decision)
        score = cv_scores(folds, held.targets, files.evaluator, held.weights)["cv"]
        probs = pooled(folds, len(held.ids))[1]
        found.append(HeldOut(score, Predictions(str(run.folder), held.ids, files.classes, probs)))
    return found
