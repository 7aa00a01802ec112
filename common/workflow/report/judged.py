"""Runs and the rows that all of them held out: answers, folds, groups, scores with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.data.folds import Split, read_split
from common.data.pixels.store import Store
from common.errors import KitError
from common.inference.blend import KINDS, Predictions, align, crossfit_blend
from common.inference.bootstrap import (
    CONFIDENCE,
    RESAMPLES,
    Interval,
    ScoredRows,
    gain_interval,
    paired_interval,
    resampled,
)
from common.inference.crossfit import crossfit_parts
from common.inference.evaluator import Weights
from common.metrics import Probs
from common.progress import say
from common.reporting.html.analysis import Answers
from common.run_files import read_arrays
from common.runs import Run
from common.storage import read_json, replacing
from common.targets import Target, Targets
from common.workflow.files import Files, weights_of
from common.workflow.request import Request
from common.workflow.run_results import judged_folder

TRUTH = "truth.npz"  # true answers of the rows held out, in a run
DRAWS = 4_000_000  # rows times resamples of a metric that is no mean over rows
FEWEST_DRAWS = 200


@dataclass(frozen=True)
class Material:
    """What a report is made from: runs, and the labelled rows that they were made from."""

    request: Request
    files: Files
    table: pd.DataFrame
    store: Store
    runs: Sequence[Run]

    @property
    def target(self) -> Target:
        """What a row's answer is."""
        return self.files.target

    @cached_property
    def judged(self) -> bool:
        """Have all runs out-of-fold predictions?"""
        return all((judged_folder(run) / "oof.npz").is_file() for run in self.runs)

    @cached_property
    def at(self) -> npt.NDArray[np.int64]:
        """The places in the table of the rows that all runs held out, in the table's order."""
        if not self.judged:
            return np.arange(len(self.table))
        kept = pd.Index(self.table["id"])
        for found in self._predictions:
            kept = kept.intersection(pd.Index(found.ids), sort=False)
        if kept.empty:
            raise KitError("these runs held out no row in common: name runs of the same rows=")
        return pd.Index(self.table["id"]).get_indexer(kept)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The table's rows `at`."""
        return self.table.iloc[self.at]

    @cached_property
    def y(self) -> Targets:
        """Their true answers."""
        return self.target.read(self.rows)

    @cached_property
    def weights(self) -> Weights | None:
        """Their weights in scores."""
        return weights_of(self.rows)

    @cached_property
    def split(self) -> Split:
        """The first run's folds and groups of the rows."""
        return read_split(self.runs[0] / "folds.csv", self.rows["id"])

    @cached_property
    def answers(self) -> list[Answers]:
        """Each run's probs of the rows, beside their true answers; empty where none was held out."""
        return [Answers(self.target, self.y, probs) for probs in self._probs]

    @cached_property
    def _predictions(self) -> list[Predictions]:
        found = []
        for run in self.runs if self.judged else ():
            kept = read_arrays(judged_folder(run) / "oof.npz")
            ids, classes = kept["ids"].tolist(), read_json(run / "classes.json")
            found.append(Predictions(run.folder.name, ids, classes, kept["probs"]))
        return found

    @cached_property
    def _probs(self) -> list[Probs]:
        ids, classes, found = self.rows["id"].tolist(), self.files.classes, []
        for each in self._predictions:
            own = pd.Index(each.ids).get_indexer(pd.Index(ids))
            some = Predictions(each.name, ids, each.classes, each.probs[own])
            found.append(align(some, ids, classes))
        return found

    @cached_property
    def scored(self) -> list[ScoredRows]:
        """Each run's rows as the metric sees them."""
        return [ScoredRows.of(self.files.evaluator, each.probs, self.y) for each in self.answers]

    def interval(self, at: int = 0) -> Interval:
        """A run's pooled score and its 95 % interval over whole groups of rows."""
        return interval_of(self.scored[at], self.split.groups, self.weights)

    def keep_truth(self) -> None:
        """Write the true answers beside each run's out-of-fold probs, for `ledger`."""
        known = {"ids": np.array(self.rows["id"].tolist(), dtype=str), "y": self.y}
        known |= {} if self.weights is None else {"weights": self.weights}
        for run in self.runs:
            with replacing(run / TRUTH) as temporary, temporary.open("wb") as file:
                np.savez_compressed(file, **known)  # type: ignore[arg-type]

    def gain(self, new: ScoredRows, old: ScoredRows) -> Interval:
        """How much better `new` scores than `old`, on the same rows."""
        better = self.files.evaluator.metric.higher_is_better
        return gain_interval(
            [new], [old], self.split.groups, higher_is_better=better, weights=self.weights
        )

    def blends(self) -> list[dict[str, Any]]:
        """What each kind of weights would make of the runs: score, weights, gain over the best run."""
        evaluator, stack = self.files.evaluator, np.stack(self._probs)
        parts = crossfit_parts(self.split.folds, self.target.strata(self.y), self.split.groups)
        costs = [evaluator.cost(probs, self.y, self.weights) for probs in stack]
        best = int(np.argmin(costs))
        found = []
        for kind in KINDS:
            blend = crossfit_blend(
                stack, self.y, parts, kind=kind, evaluator=evaluator, counts=self.weights
            )
            scored = ScoredRows.of(evaluator, blend.probs, self.y)
            found.append(
                {
                    "kind": kind,
                    "score": evaluator.score(blend.probs, self.y, self.weights),
                    "weights": [round(float(each), 2) for each in blend.weights],
                    "gain": self.gain(scored, self.scored[best]),
                    "best": self.runs[best].folder.name,
                }
            )
        return found


def interval_of(scored: ScoredRows, groups: npt.ArrayLike, weights: Weights | None) -> Interval:
    """Rows as a metric sees them to its score and 95 % interval, whole groups resampled."""
    if scored.rows is not None and weights is None:
        return paired_interval(scored.rows, groups)
    count = int(np.clip(DRAWS // len(np.asarray(groups)), FEWEST_DRAWS, RESAMPLES))
    draws = resampled([scored], groups, weights, count=count)
    found = draws[1:][~np.isnan(draws[1:])]
    ends = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    low, high = np.quantile(found, ends) if len(found) else (np.nan, np.nan)
    return Interval(float(draws[0]), float(low), float(high))


def told_if_judged_in_part(material: Material) -> str:
    """A sentence where the runs share only some of the rows; ''."""
    whole = max(len(each.ids) for each in material._predictions) if material.judged else 0
    if whole <= len(material.at):
        return ""
    told = f"only the {len(material.at):,} rows that all of these runs held out are compared"
    say(f"  {told}")
    return told
