"""A submitted run's out-of-fold rows and their true answers, read from its folder without the data."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.data.folds import read_split
from common.errors import KitError
from common.inference.blend import Predictions, align
from common.inference.bootstrap import Interval, ScoredRows, gain_interval
from common.inference.evaluator import Evaluator
from common.ledger import Entry
from common.metrics import Probs, metric_named
from common.reporting.html.analysis import Answers
from common.run_files import read_arrays
from common.runs import Run, digest_file
from common.storage import read_json
from common.workflow.report.judged import TRUTH, interval_of
from common.workflow.run_results import target_of

CV = ("cv", "cv_sd")


@dataclass(frozen=True)
class Held:
    """A submitted run's out-of-fold rows with their true answers."""

    ids: list[str]
    y: npt.NDArray[Any]
    weights: npt.NDArray[np.float64] | None
    groups: npt.NDArray[np.object_]
    probs: Probs
    evaluator: Evaluator

    @cached_property
    def scored(self) -> ScoredRows:
        """The rows as the metric sees them."""
        return ScoredRows.of(self.evaluator, self.probs, self.y)

    @cached_property
    def interval(self) -> Interval:
        """The pooled score and its interval."""
        return interval_of(self.scored, self.groups, self.weights)

    def shared(self, other: "Held") -> int:
        """How many rows both held out."""
        return len(set(self.ids) & set(other.ids))

    def gain(self, other: "Held") -> Interval:
        """How much better this scores than another, on the rows that both held out."""
        mine, theirs = self._common(other)
        one, two = (ScoredRows.of(each.evaluator, each.probs, each.y) for each in (mine, theirs))
        better = self.evaluator.metric.higher_is_better
        return gain_interval(
            [one], [two], mine.groups, higher_is_better=better, weights=mine.weights
        )

    def likeness(self, other: "Held") -> float:
        """The correlation of the two runs' errors."""
        mine, theirs = (each._errors() for each in self._common(other))
        both = np.isfinite(mine) & np.isfinite(theirs)
        return float(np.corrcoef(mine[both], theirs[both])[0, 1])

    def _errors(self) -> npt.NDArray[np.float64]:
        answers = Answers(self.evaluator.target, self.y, self.probs)
        if answers.form == "columns":
            return ((self.probs - self.y) / np.nanstd(self.y, axis=0)).ravel()
        truth = answers.truth
        if answers.form == "index":
            truth = truth[:, None] == np.arange(len(answers.names))
        return (answers.chances - truth).astype(np.float64).ravel()

    def _common(self, other: "Held") -> tuple["Held", "Held"]:
        ids = [name for name in self.ids if name in set(other.ids)]
        if not ids:
            raise KitError("the two runs held out no row in common")
        return self._of(ids, self.evaluator.target.names), other._of(
            ids, self.evaluator.target.names
        )

    def _of(self, ids: list[str], names: Sequence[str]) -> "Held":
        at = pd.Index(self.ids).get_indexer(pd.Index(ids))
        own = Predictions("", ids, self.evaluator.target.names, self.probs[at])
        weights = None if self.weights is None else self.weights[at]
        return Held(
            ids, self.y[at], weights, self.groups[at], align(own, ids, names), self.evaluator
        )


def submitted_folder(run: Run, entry: Entry) -> Path | None:
    """Where a submission's probs and scores are in its run; None where that is not known any more.

    Its record names the folder; one of before is found by its scores, if no other probs have them.
    """
    for sent in run.read().get("submitted", []):
        if (sent["ref"], sent["file"]) == (entry.ref, entry.file) and sent.get("predictions"):
            found = run / sent["predictions"]
            return found if (found / "oof.npz").is_file() else None
    paths = [*run.folder.glob("predictions/*/scores.json")] or [run / "scores.json"]
    alike = {}
    for path in paths:
        scores, probs = read_json(path) if path.is_file() else {}, path.with_name("oof.npz")
        if probs.is_file() and all(scores.get(each) == getattr(entry, each) for each in CV):
            alike[digest_file(probs)] = path.parent
    return next(iter(alike.values())) if len(alike) == 1 else None


def held_of(run: Run, folder: Path) -> Held | None:
    """The out-of-fold rows that a folder of the run holds; None without them or their true answers."""
    held_out, truth = folder / "oof.npz", run / TRUTH
    if not all(path.is_file() for path in (held_out, truth, run / "folds.csv")):
        return None
    again = f"`kit {run.read()['competition']} report {run.folder}` writes it anew"
    kept, known = read_arrays(held_out), read_arrays(truth, again)
    ids, probs = kept["ids"].tolist(), kept["probs"]
    at = pd.Index(known["ids"].tolist()).get_indexer(pd.Index(ids))
    if (at < 0).any():
        return None
    y, weights = known["y"][at], known["weights"][at] if "weights" in known else None
    groups = read_split(run / "folds.csv", pd.Series(ids)).groups
    evaluator = Evaluator(target_of(run), metric_named(run.read()["metric"]))
    return Held(ids, y, weights, groups, probs, evaluator)
