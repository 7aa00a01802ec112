"""What a run's files say of it: its predictions' folders, its scores, the JSON that scripts read."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from common.atomic import read_json, replacing, write_json
from common.metrics import Probs
from common.recipe import Recipe, differences
from common.runs import Run, digest_file


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
