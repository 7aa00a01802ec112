"""`noise=`: a job's rows most likely mislabelled, found among its own training rows, dropped or weighed.

The rows of each job are cross-validated once more by a head solved on frozen features, so that no
held-out row takes part; and held-out rows keep their labels, whatever is thought of them.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.data.batches.small_images import SMALL
from common.data.folds import LEAST, assign_folds
from common.errors import KitError
from common.inference.label_errors import LabelErrors, label_errors
from common.progress import counted, say, span, tracked
from common.recipe import Recipe
from common.recipe_rules import SOLVED
from common.reporting.contact_sheet import contact_sheet
from common.run_files import read_rows
from common.storage import replacing
from common.training.jobs import Job
from common.training.run_context import RunContext
from common.training.solved.candidates import OF_SEVERAL
from common.training.solved_heads import open_solver
from common.workflow.prepare import Prepared

INNER = 5  # folds of a job's training rows
DRAWN = 24
# What the features of a recipe's backbone depend on.
OF_FEATURES = (
    "backbone weights image_size store_short_side bit_depth seed split_seed device precision "
    "memory_format eval_batch_size"
)


def heeding_noise(ready: Prepared, jobs: Sequence[Job]) -> list[Job]:
    """Jobs as `noise=` has them train: without their doubtful rows, or with these weighed less.

    The doubtful rows are listed in `doubtful_labels.csv`, which a resumed run reads, and drawn.
    """
    stem = "doubtful_labels" + ("" if jobs[0].held_out is not None else "_refit")
    path = ready.run / f"{stem}.csv"
    if not path.is_file() or not {_key(job) for job in jobs} <= {
        *ready.run.read().get("noise", {})
    }:
        begun = time.perf_counter()
        table = _listed(ready, jobs)
        with replacing(path) as temporary:
            table.drop(columns="row").to_csv(temporary, index=False, lineterminator="\n")
        _draw(ready, table, ready.run / "pictures" / f"{stem}.png")
        ready.run.add_seconds("train", time.perf_counter() - begun)
    table = read_rows(path, dtype=str)
    table = table.astype({"fold": int, "score": float})
    counts = [int((table["fold"] == job.fold).sum()) for job in jobs]
    does = "left out" if ready.recipe.noise == "drop" else "weighed less"
    say(
        f"  noise={ready.recipe.noise}: of {len(jobs[0].rows):,} training rows "
        f"{span(counts)} are {does} as "
        f"most likely mislabelled ({path})"
    )
    place = pd.Series(np.arange(len(ready.table)), index=ready.table["id"])
    found = {
        fold: pd.Series(rows["score"].to_numpy(), index=place.loc[rows["id"]].to_numpy())
        for fold, rows in table.groupby("fold")
    }
    return [_heeding(job, found.get(job.fold), ready) for job in jobs]


def _key(job: Job) -> str:
    return "refit" if job.held_out is None else f"fold{job.fold}"


def _heeding(job: Job, scores: "pd.Series | None", ready: Prepared) -> Job:
    if scores is None:
        return job
    if ready.recipe.noise == "drop":
        return replace(job, rows=job.rows[~np.isin(job.rows, scores.index)])
    # A label of a half or less: it counts as much as it is likely, beside a coin's toss.
    weights = 2 * scores.reindex(job.rows, fill_value=0.5).to_numpy(np.float32)
    hot = np.eye(len(ready.setting.target.names), dtype=np.float32)
    # A cross-entropy is linear in its target: a share of one is a share of the row's loss.
    return replace(job, answers=weights[:, None] * hot[ready.setting.loss_targets[job.rows]])


def _listed(ready: Prepared, jobs: Sequence[Job]) -> pd.DataFrame:
    """The doubtful rows of each fold: row, fold, id, label, suggested, score; the likeliest first."""
    context, folds = ready.setting, {job.fold: job for job in jobs}
    tables, shares = [], {}
    for fold, job in tracked(sorted(folds.items()), "doubtful labels", "folds"):
        found = doubtful_rows(job, context, ready.split.groups)
        rows = job.rows[found.rows]
        told = [context.target.told(each) for each in context.targets[rows]]
        suggested = [context.target.told(each) for each in found.suggested]
        ids = ready.table["id"].to_numpy()[rows]
        columns = {"row": rows, "fold": fold, "id": ids, "label": told, "suggested": suggested}
        tables.append(pd.DataFrame(columns | {"score": found.scores}))
        shares[_key(job)] = {"rows": len(job.rows), "wrong": found.share, "doubtful": len(rows)}
    ready.run.note(noise=ready.run.read().get("noise", {}) | shares)
    return pd.concat(tables, ignore_index=True)


def doubtful_rows(job: Job, context: RunContext, groups: npt.NDArray[np.object_]) -> LabelErrors:
    """A job's training rows most likely mislabelled, by place in `job.rows`; groups [N] of all rows."""
    recipe, target = _on_features(context.recipe), context.target
    own = pd.Series(groups[job.rows])
    if own.nunique() < LEAST:
        raise KitError(
            f"noise={context.recipe.noise} cross-validates a fold's own training rows, of which {job.name} has "
            f"{own.nunique()} (groups counted once): set noise=none"
        )
    recipe = replace(recipe, folds=min(INNER, own.nunique()))
    inner = assign_folds(context.strata[job.rows], own, recipe)[0]
    parts = [
        Job(f"{job.name}-{part}", part, job.seed, job.rows[inner != part], job.rows[inner == part])
        for part in range(recipe.folds)
    ]
    solver = open_solver(parts, replace(context, recipe=recipe))
    probs = np.empty((len(job.rows), len(target.names)), np.float32)
    for part, head in enumerate(solver.trained(solver.solve().mixes)):
        probs[inner == part] = solver.probs(head, job.rows[inner == part])
    return label_errors(target, probs, context.targets[job.rows])


def _on_features(recipe: Recipe) -> Recipe:
    """The recipe of a head solved on the features of the recipe's backbone, as it is before training."""
    kept = {
        name: value
        for name, value in asdict(recipe).items()
        if name in OF_FEATURES.split() or name.startswith("feature_")
    }
    solved = recipe.head in SOLVED and recipe.head not in (*OF_SEVERAL, "boosting")
    return Recipe(
        **kept | {"feature_choice": "all"},
        folds=INNER,
        freeze="backbone",
        head=recipe.head if solved else "ridge",
        head_views=recipe.head_views if solved else "identity",
        augment="small-none" if recipe.augment in SMALL else "photo-none",
    )


def _draw(ready: Prepared, table: pd.DataFrame, path: Path) -> None:
    """Each doubtful image beside one that is labelled as suggested, the likeliest first."""
    each = table.sort_values("score", kind="stable").drop_duplicates("row")
    shown = each.head(DRAWN)
    if shown.empty:
        return
    setting, sure = ready.setting, np.setdiff1d(np.arange(len(ready.table)), table["row"])
    examples = {setting.target.told(setting.targets[row]): row for row in sure[::-1]}
    blank = np.full((8, 8, 3), 255, np.uint8)
    pairs = [
        (ready.store[row], ready.store[int(examples[name])] if name in examples else blank)
        for row, name in zip(shown["row"], shown["suggested"], strict=True)
    ]
    captions = [
        (f"{label} | {suggested}?", f"{id_} {score:.3f}")
        for id_, label, suggested, score in shown[["id", "label", "suggested", "score"]].itertuples(
            index=False
        )
    ]
    title = f"{len(shown)} of {counted(len(each), 'doubtful label')}, beside a row labelled as suggested"
    contact_sheet(pairs, captions, title, path)
