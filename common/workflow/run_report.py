"""A run's progress and scores, printed, and when its pictures are drawn."""

import time
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from common.data.pixels.store import Store
from common.progress import first_of, say
from common.recipe_rules import SOLVED
from common.reporting import pictures
from common.run_files import read_arrays, read_rows
from common.runs import Run
from common.storage import replacing
from common.targets import Target
from common.training import checkpoint
from common.training.jobs import Job
from common.workflow.prepare import Prepared
from common.workflow.preview import first_batch

SECONDS_BETWEEN_LINES = 20.0  # of a model's epochs on the screen


class EpochLines:
    """One line a trained model, for its last epoch; while it trains one more every 20 seconds."""

    def __init__(self, ready: Prepared) -> None:
        self.ready = ready
        self.told: dict[str, float] = {}  # when a model's latest line was said
        self.untold: dict[str, checkpoint.Record] = {}

    def finished_epoch(self, job: Job, record: checkpoint.Record) -> None:
        """Say the epoch's figures where the model's latest line is 20 seconds old."""
        now = time.perf_counter()
        self.untold[job.name] = record
        last = record["epoch"] >= self.ready.recipe.epochs  # told by finished_model
        since = self.told.setdefault(job.name, now - record["seconds"])
        if not last and now - since >= SECONDS_BETWEEN_LINES:
            self.told[job.name] = now
            print_epoch(self.ready, job, self.untold.pop(job.name))

    def finished_model(self, job: Job) -> None:
        """Say the figures of the last epoch, which with early_stop= may come before `epochs`."""
        if job.name in self.untold:
            print_epoch(self.ready, job, self.untold.pop(job.name))


def print_epoch(ready: Prepared, job: Job, record: checkpoint.Record) -> None:
    """A finished epoch of a model in one line: loss, score of the held-out rows, images/s."""
    held = f"{ready.setting.evaluator.name} {record['score']:.4f}  " if "score" in record else ""
    epoch = f"epoch {record['epoch']:>3}/{ready.recipe.epochs}"
    say(
        f"  {job.name} {'solved' if ready.recipe.head in SOLVED else epoch}  "
        f"loss {record['train_loss']:.4f}  {held}{record['images_per_second']:,.0f} images/s"
    )


def print_head_rows(ready: Prepared) -> None:
    """Print, and write to `head_rows.csv`, which pretrained classifier rows the labels start from."""
    matches = ready.setting.matches
    if not matches:
        return
    path = ready.run / "head_rows.csv"
    table = pd.DataFrame([asdict(each) | {"others": "; ".join(each.others)} for each in matches])
    with replacing(path) as temporary:
        table.astype({"row": "Int64"}).to_csv(temporary, index=False, lineterminator="\n")
    found = [each for each in matches if each.row is not None]
    say(f"head=rows: {len(found)} of {len(matches)} labels found among the old classes ({path})")
    for each in matches:
        if each.row is not None and each.others:
            say(
                f"  {each.label}: row {each.row}, {each.meaning} (and not {'; '.join(each.others)})"
            )
    if fresh := [each.label for each in matches if each.row is None]:
        say(f"  these begin afresh: {first_of(fresh)}")


def print_unrecognised_classes(ready: Prepared) -> None:
    """Print labels of which no image is recognised: their pretrained row may be a wrong match."""
    path = ready.run / "head_rows.csv"
    if not path.is_file():
        return
    rows = read_rows(path, dtype=str).set_index("label")
    oof = read_arrays(ready.run / "oof.npz")
    ids, best = oof["ids"], oof["probs"].argmax(axis=1)
    label = ready.table.set_index("id")["label"].loc[ids].to_numpy()
    right = (
        pd.Series(np.array(ready.setting.target.names)[best] == label)
        .groupby(label)
        .agg(["sum", "size"])
    )
    unknown = right[(right["sum"] == 0) & (right["size"] >= 3)].index
    for name in [name for name in unknown if rows.loc[name, "row"]]:
        say(
            f"  look: none of the {right.loc[name, 'size']} images of {name} is recognised; its row is "
            f"{rows.loc[name, 'row']}, {rows.loc[name, 'meaning']}"
        )


def print_scores(ready: Prepared) -> None:
    """Print the out-of-fold score: mean and sd over folds, each view's gain, calibration."""
    found = ready.run.read("scores.json")
    metric = found["metric"].replace("_", " ")
    scored = [score for score in found["fold_scores"] if score is not None]
    over = f"mean of {len(scored)} folds" if len(scored) > 1 else "one fold"
    over = over if len(found["fold_scores"]) > 1 else "one hold-out"
    spread = f" ± {found['cv_sd']:.4f}" if found["cv_sd"] is not None else ""
    score = "has no score" if found["cv"] is None else f"{found['cv']:.4f}{spread}"
    say(f"out-of-fold {metric} {score} ({over}, n = {found['n']:,})")
    plain = found["views"][0]["score"]
    for row in found["views"][1:]:
        if row["score"] is not None and plain is not None:
            gain = row["score"] - plain
            say(f"  views {row['views']}: {row['score']:.4f} ({gain:+.4f} over the plain view)")
    if "decision" in found:
        for line in decision_lines(found["decision"], metric):
            say(line)
    for remark in found.get("remarks", ()):
        say(f"  {remark}")
    for key in ("optimistic", "caution"):
        if key in found:
            say(f"  {key}: {found[key]}")


def decision_lines(fit: dict[str, Any], metric: str) -> list[str]:
    """What a decision gains out-of-fold, and which values the test rows get."""
    values = ", ".join(f"{value:.3g}" for value in fit["values"][:8])
    more = ", …" if len(fit["values"]) > 8 else ""
    more += ", counted from the lowest grade" if fit["kind"] == "cut-points" else ""
    # Only a temperature is fitted to the loss; what moves answers is not meant to make it less.
    loss = f"; loss {fit['loss']['plain']:.4f} → {fit['loss']['honest']:.4f}"
    plain, honest, own = (
        "none" if fit[name] is None else f"{fit[name]:.4f}"
        for name in ("plain", "honest", "in_sample")
    )
    return [
        f"  decision {fit['kind']} ({values}{more}): pooled {metric} {plain} → "
        f"{honest}, each fold by values of the others ({own} in-sample, "
        f"which flatters){loss if fit['kind'] == 'temperature' else ''}"
        + ("" if fit["helps"] else "; no gain here, decision=none leaves it out")
    ]


def draw_batch(ready: Prepared, job: Job) -> None:
    """Draw a job's first augmented batch as the network sees it."""
    pixels, labels = first_batch(job, ready.setting, ready.recipe.batch_size)
    pictures.augmented_batch(pixels, labels, ready.run / "pictures" / "augmented_batch.png")


def draw_curves(run: Run, metric: str) -> None:
    """Draw the learning curves of all jobs so far, and the learning rate; a solved head has none."""
    histories = histories_of(run)
    if histories:
        pictures.learning_curves(histories, run / "pictures" / "learning_curves.png", metric=metric)


def histories_of(run: Run) -> dict[str, list[checkpoint.Record]]:
    """Each trained model's records by epoch; none of a head that is solved."""
    if run.recipe().head in SOLVED:
        return {}
    logs = sorted(run.folder.glob("*/log.jsonl"), key=lambda path: (len(path.parent.name), path))
    found = {path.parent.name: checkpoint.read_log(path.parent) for path in logs}
    return {name: history for name, history in found.items() if history}


def draw_out_of_fold(run: Run, table: pd.DataFrame, store: Store, target: Target) -> None:
    """Draw the target's pictures of the out-of-fold probs; `store` holds the table's images."""
    folder = run / "pictures"
    oof = read_arrays(run / "oof.npz")
    ids, probs = oof["ids"].tolist(), oof["probs"]
    at = pd.Index(table["id"]).get_indexer(pd.Index(ids))
    y = target.read(table.iloc[at])
    judged = pictures.Judged(ids, probs, y, target, lambda row: store[int(at[row])])
    for name in target.pictures:
        pictures.PICTURES[name](judged, folder)
