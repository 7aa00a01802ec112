"""What a run has to show: its results as JSON, its pictures, the words at the end."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common.atomic import read_json, replacing, write_json
from common.data.classes import targets_of
from common.data.store import Store
from common.metrics import Probs
from common.progress import first_of, say
from common.recipe import Recipe, differences
from common.reporting import pictures
from common.runs import Run, digest_file
from common.training import resume
from common.training.jobs import Job
from common.training.preview import first_batch
from common.workflow.prepare import Prepared


def predictions_folder(run: Run, recipe: Recipe) -> Path:
    """`predictions/<8 hex>` of the run: one for every set of predict fields and code."""
    fields = differences(recipe, ("predict",)) | {"code": run.read()["code"]}
    name = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:8]
    folder = run / "predictions" / name
    if not (folder / "fields.json").is_file():
        write_json(folder / "fields.json", fields)
    return folder


def save_probs(path: Path, ids: Iterable[str], probs: Probs) -> None:
    """Write probs [N, C] and the ids of their rows, whole."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, ids=np.array([*ids], dtype=str), probs=probs)


def scores_of(run: Run) -> dict[str, Any]:
    """The scores that belong to submission.csv: other views may have been judged since.

    Raises:
        ValueError: the code has changed since, and was accepted: the file is of neither.
    """
    path = predictions_folder(run, Recipe(**run.read().get("predicted", {}))) / "scores.json"
    if not path.is_file():
        raise ValueError(
            f"{run.folder} went on with changed code since its submission.csv was written: "
            f"`kit <competition> predict --run {run.folder}` writes it anew"
        )
    return dict(read_json(path))


def result_of(run: Run, scores: dict[str, Any] | None = None) -> dict[str, Any]:
    """What scripts may rely on, as far as the run has come; `scores` default to the last judged."""
    facts, found = run.read(), scores or run.read("scores.json")
    result: dict[str, Any] = {"run": str(run.folder), "metric": facts["metric"]}
    result |= {
        key: found[key] for key in ("cv", "cv_sd", "fold_scores", "pooled", "n") if key in found
    }
    path, sent = run / "submission.csv", facts.get("submitted", [])
    if path.is_file() and facts.get("predicted") == found.get("predict"):
        result["submission"] = str(path)
        result |= {key: found[key] for key in ("test", "test_n") if key in found}
        scored = sent and sent[-1].get("status", "complete") == "complete"
        if scored and sent[-1]["file"] == digest_file(path):
            result |= {key: sent[-1][key] for key in ("public", "private", "ref")}
    result["seconds"] = round(sum(facts.get("seconds", {}).values()), 1)
    result["images_per_second"] = round(facts.get("images_per_second", 0.0), 1)
    result["peak_memory_mb"] = round(facts.get("peak_memory", {}).get("host", 0.0), 1)
    if "optimistic" in found:
        result["optimistic"] = found["optimistic"]
    return result


def tell_epoch(ready: Prepared, job: Job, record: resume.Record) -> None:
    """One line for a finished epoch."""
    held = f"{ready.setting.metric.name} {record['score']:.4f}  " if "score" in record else ""
    say(
        f"  {job.name} epoch {record['epoch']:>3}/{ready.recipe.epochs}  "
        f"loss {record['train_loss']:.4f}  {held}{record['images_per_second']:,.0f} images/s"
    )


def tell_rows(ready: Prepared) -> None:
    """Which of the old classifier's rows the new one begins with: to `head_rows.csv` and in words."""
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


def tell_strangers(ready: Prepared) -> None:
    """Labels that their old rows do not know: what a wrong match looks like on the images."""
    path = ready.run / "head_rows.csv"
    if not path.is_file():
        return
    rows = pd.read_csv(path, dtype=str, keep_default_na=False).set_index("label")
    with np.load(ready.run / "oof.npz") as oof:
        ids, best = oof["ids"], oof["probs"].argmax(axis=1)
    label = ready.table.set_index("id")["label"].loc[ids].to_numpy()
    right = (
        pd.Series(np.array(ready.setting.classes)[best] == label)
        .groupby(label)
        .agg(["sum", "size"])
    )
    unknown = right[(right["sum"] == 0) & (right["size"] >= 3)].index
    for name in [name for name in unknown if rows.loc[name, "row"]]:
        say(
            f"  look: none of the {right.loc[name, 'size']} images of {name} is recognised; its row is "
            f"{rows.loc[name, 'row']}, {rows.loc[name, 'meaning']}"
        )


def tell_scores(ready: Prepared) -> None:
    """The out-of-fold score in words: mean, spread, pooled, what each group of views adds."""
    found = ready.run.read("scores.json")
    metric = found["metric"].replace("_", " ")
    spread = f" ± {found['cv_sd']:.4f}" if found["cv_sd"] is not None else ""
    folds = len(found["fold_scores"])
    over = f"mean of {folds} folds" if folds > 1 else "one hold-out"
    say(f"out-of-fold {metric} {found['cv']:.4f}{spread} ({over}, n = {found['n']:,})")
    for row in found["views"][1:]:
        gain = row["score"] - found["views"][0]["score"]
        say(f"  views {row['views']}: {row['score']:.4f} ({gain:+.4f} over the plain view)")
    if "calibration" in found:
        fit = found["calibration"]
        say(
            f"  calibration: temperature {fit['temperature']:.3f}, log loss"
            f" {fit['before']['log_loss']:.4f} → {fit['after']['log_loss']:.4f}"
            " (each fold at the others' temperature)"
        )
    for key in ("optimistic", "caution"):
        if key in found:
            say(f"  {key}: {found[key]}")


def draw_batch(ready: Prepared, job: Job) -> None:
    """The first augmented batch of a job, as the network will see it."""
    pixels, labels = first_batch(job, ready.setting, ready.recipe.batch_size)
    pictures.augmented_batch(pixels, labels, ready.run / "pictures" / "augmented_batch.png")


def draw_curves(run: Run, metric: str) -> None:
    """The learning curves of all the run's jobs so far, the rate below them."""
    logs = sorted(run.folder.glob("*/log.jsonl"), key=lambda path: (len(path.parent.name), path))
    histories = {path.parent.name: resume.read_log(path.parent) for path in logs}
    begun = {name: history for name, history in histories.items() if history}
    if begun:
        pictures.learning_curves(begun, run / "pictures" / "learning_curves.png", metric=metric)


def draw_judged(run: Run, table: pd.DataFrame, store: Store, classes: Sequence[str]) -> None:
    """The confusion matrix and the worst mistakes, both out-of-fold; `store` is the table's."""
    folder = run / "pictures"
    with np.load(run / "oof.npz") as oof:
        ids, probs = oof["ids"].tolist(), oof["probs"]
    at = pd.Index(table["id"]).get_indexer(pd.Index(ids))
    targets = targets_of(table["label"].iloc[at], classes)
    pictures.confusion(probs, targets, classes, folder / "confusion.png")
    pictures.worst_mistakes(
        lambda row: store[int(at[row])], ids, probs, targets, classes, folder / "worst_mistakes.png"
    )
