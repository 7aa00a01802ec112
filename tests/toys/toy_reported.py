"""Runs with made-up out-of-fold predictions, judged as real ones are, in no time."""

from pathlib import Path

import numpy as np
import pandas as pd

from common.inference.out_of_fold import FoldProbs, cv_scores
from common.metrics import Probs
from common.runs import Run
from common.storage import write_json
from common.targets import Target
from common.workflow.prepare import Prepared, prepared
from common.workflow.request import Request
from common.workflow.run_results import save_probs

EVIL = "<script>alert(1)</script>"


def probs_of(target: Target, y: np.ndarray, noise: float, seed: int = 0) -> Probs:
    """Probs [N, C] of these answers, the further off the more noise."""
    rng = np.random.default_rng(seed)
    if target.exclusive:
        sure = np.eye(len(target.names))[y] + noise * rng.random((len(y), len(target.names)))
        return np.asarray(sure / sure.sum(axis=1, keepdims=True), dtype=np.float32)
    if "sets" in target.forms:
        off = noise * rng.normal(0, 1, y.shape)
        return np.asarray(1 / (1 + np.exp(-4 * (y - 0.5 + off))), dtype=np.float32)
    known = np.nan_to_num(y, nan=float(np.nanmean(y)))
    return np.asarray(known + noise * rng.normal(0, 1, y.shape), dtype=np.float32)


def judged_run(request: Request, noise: float = 1.2, seed: int = 0) -> Run:
    """A run of the request with folds, out-of-fold predictions, scores and a log, but no models."""
    with prepared(request) as ready:
        y = ready.setting.targets
        probs = probs_of(ready.files.target, y, noise, seed)
        folds = [
            FoldProbs(np.flatnonzero(ready.split.folds[0] == at), np.empty(0)) for at in (0, 1)
        ]
        folds = [FoldProbs(each.rows, probs[each.rows]) for each in folds]
        found = cv_scores(folds, y, ready.setting.evaluator, ready.setting.weights)
        found |= {"metric": ready.setting.evaluator.name, "predict": {}}
        found["views"] = [{"views": name, "score": 0.5} for name in ("identity", "identity+mirror")]
        write_json(ready.run / "scores.json", found)
        save_probs(ready.run / "oof.npz", ready.table["id"], probs)
        _log(ready)
        return ready.run


def _log(ready: Prepared) -> None:
    record = '{{"epoch": {0}, "train_loss": {1}, "lr": 0.1, "valid_loss": {1}, "score": null}}\n'
    for fold in (0, 1):
        path = Path(ready.run / f"fold{fold}" / "log.jsonl")
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(record.format(at, 1 / at) for at in (1, 2, 3)))


def named(folder: Path, ids: dict[str, str], labels: dict[str, str]) -> None:
    """Rename ids and labels in the miniature's train.csv, and the images with them."""
    table = pd.read_csv(folder / "train.csv", dtype=str)
    for old, new in ids.items():
        place = folder / "images" / f"{new}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        (folder / "images" / f"{old}.png").rename(place)
    table["id"] = table["id"].replace(ids)
    table["label"] = table["label"].replace(labels)
    table.to_csv(folder / "train.csv", index=False)
