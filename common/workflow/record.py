"""What a run has to show: its results as JSON, its pictures, the words at the end."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from common.atomic import read_json, write_json
from common.progress import say
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


def scores_of(run: Run) -> dict[str, Any]:
    """The scores that belong to submission.csv: other views may have been judged since."""
    made = Recipe(**run.read().get("predicted", {}))
    return dict(read_json(predictions_folder(run, made) / "scores.json"))


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
    pictures.learning_curves(begun, run / "pictures" / "learning_curves.png", metric=metric)


def draw_judged(ready: Prepared) -> None:
    """The confusion matrix and the worst mistakes, both out-of-fold."""
    folder, setting = ready.run / "pictures", ready.setting
    with np.load(ready.run / "oof.npz") as oof:
        ids, probs = oof["ids"].tolist(), oof["probs"]
    position = {name: row for row, name in enumerate(ready.table["id"])}
    at = np.array([position[name] for name in ids])
    targets = setting.targets[at]
    pictures.confusion(probs, targets, setting.classes, folder / "confusion.png")
    pictures.worst_mistakes(
        lambda row: ready.store[int(at[row])], ids, probs, targets, setting.classes,
        folder / "worst_mistakes.png",
    )  # fmt: skip
