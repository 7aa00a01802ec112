"""Variants to a table of scores and paired differences on the same held-out rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.data.folds import read_folds
from common.errors import KitError
from common.inference.bootstrap import Interval, ScoredRows, gain_interval
from common.inference.evaluator import Weights
from common.metrics import Metric
from common.progress import say
from common.run_files import read_arrays
from common.runs import fingerprint
from common.storage import replacing
from common.workflow.evaluation import validate
from common.workflow.prepare import prepared
from common.workflow.request import Request
from common.workflow.run_results import predictions_folder, result_of
from common.workflow.test_set import open_test, predict_test
from common.workflow.variants import Named


@dataclass(frozen=True)
class ScoredRun:
    """One run of a variant: its held-out rows' ids, scores, groups and weights, and its JSON result."""

    ids: list[str]
    scored: ScoredRows
    weights: Weights | None
    groups: npt.NDArray[np.object_]
    result: dict[str, Any]
    minutes: float


def compare(request: Request, named: Sequence[Named]) -> dict[str, Any]:
    """Train and score every variant; the table is printed, written as a CSV and returned."""
    metric = request.competition.scored_by
    done: dict[str, list[ScoredRun]] = {}
    for number, (name, requests) in enumerate(named, 1):
        say(f"variant {number} of {len(named)}: {name}")
        done[name] = [_judged(each) for each in requests]
    first = next(iter(done.values()))
    _check_folds(done, first[0])
    table: list[dict[str, Any]] = [
        {"variant": name, "epochs": requests[0].recipe.epochs, **_row(done[name], first, metric)}
        for name, requests in named
    ]
    key = fingerprint([row["runs"] for row in table])[:8]
    path = request.runs / "compare" / f"{request.competition.name}-{key}.csv"
    with replacing(path) as temporary:
        lines = [row | {"runs": " ".join(row["runs"])} for row in table]
        pd.DataFrame(lines).drop(columns="scores").to_csv(temporary, index=False)
    _tell(table, metric, len(first[0].ids))
    if request.competition.caution:
        say(f"  caution: {request.competition.caution}")
    say(f"  kept in {path}")
    return {"metric": metric.name, "n": len(first[0].ids), "variants": table, "csv": str(path)}


def _judged(request: Request) -> ScoredRun:
    """A variant's request to its scored run; the test set is predicted if its labels are known."""
    request.check_has_validation()
    with prepared(request) as ready:
        validate(ready)
        if request.competition.read_answers is not None:
            test = open_test(ready)
            if test is not None:
                predict_test(ready, test)
        kept = read_arrays(predictions_folder(ready.run, ready.recipe) / "oof.npz")
        ids, probs = kept["ids"], kept["probs"]
        at, setting = pd.Index(ready.table["id"]).get_indexer(pd.Index(ids)), ready.setting
        return ScoredRun(
            ids=ids.tolist(),
            scored=ScoredRows.of(setting.evaluator, probs, setting.targets[at]),
            weights=None if setting.weights is None else setting.weights[at],
            groups=ready.split.groups[at],
            result=result_of(ready.run),
            minutes=ready.run.read().get("seconds", {}).get("train", 0.0) / 60,
        )


def _check_folds(done: dict[str, list[ScoredRun]], first: ScoredRun) -> None:
    """Raise a KitError if a variant has other folds than the first."""
    wanted = _folds_of(first)
    for name, runs in done.items():
        if any(not _folds_of(each).equals(wanted) for each in runs):
            raise KitError(
                f"{name} has other folds than the first variant: at another store_short_side= other images "
                "count as one shot; give all one store_short_side=, or say groups=identical"
            )


def _folds_of(judged: ScoredRun) -> pd.DataFrame:
    return read_folds(Path(judged.result["run"]) / "folds.csv")[["id", "repeat", "fold"]]


def _row(runs: list[ScoredRun], first: list[ScoredRun], metric: Metric) -> dict[str, Any]:
    """A variant's row: scores over its seeds, the paired gain over the first variant, minutes."""
    base = np.ones(len(first[0].ids)) if first[0].weights is None else first[0].weights
    scores = [each.scored.scorer(base) for each in runs]
    gain = gain_interval(
        [each.scored for each in runs],
        [each.scored for each in first],
        first[0].groups,
        higher_is_better=metric.higher_is_better,
        weights=first[0].weights,
    )
    tests = [each.result["test"] for each in runs if "test" in each.result]
    return {
        "score": float(np.mean(scores)),
        "sd": _sd(scores),
        "scores": scores,
        "gain": gain.gain,
        "low": gain.low,
        "high": gain.high,
        "test": float(np.mean(tests)) if tests else None,
        "test_sd": _sd(tests),
        "test_n": runs[0].result.get("test_n"),
        "minutes": round(sum(each.minutes for each in runs), 2),
        "optimistic": runs[0].result.get("optimistic"),
        "runs": [each.result["run"] for each in runs],
    }


def _tell(table: list[dict[str, Any]], metric: Metric, count: int) -> None:
    """Print the table, one line a variant."""
    wide = max(len(row["variant"]) for row in table)
    known = any(row["test"] is not None for row in table)
    title = f"{metric.name.replace('_', ' ')}, out-of-fold, n = {count:,}"
    test = f"  {'test':>15}" if known else ""
    say(f"\n{title}")
    say(f"  {'variant':<{wide}}  {'score':>15}  {'gain on the first [95 %]':<26}{test}  minutes")
    for number, row in enumerate(table):
        gain = Interval(row["gain"], row["low"], row["high"]).text if number else ""
        test = f"  {_spread(row['test'], row['test_sd']):>15}" if known else ""
        say(
            f"  {row['variant']:<{wide}}  {_spread(row['score'], row['sd']):>15}  {gain:<26}{test}"
            f"  {row['minutes']:>7.1f}"
        )
    runs = len(table[0]["runs"])
    for row in table:
        if row["optimistic"]:
            say(f"  {row['variant']} is judged optimistically: {row['optimistic']}")
    over = f"± is the sd over {runs} seeds; " if runs > 1 else ""
    say(f"  {over}an interval across 0 may be chance in the rows; it does not include")
    say("  chance in the training seed" + ("" if runs > 1 else ", which --seeds 3 shows"))


def _sd(scores: list[float]) -> float | None:
    return float(np.std(scores, ddof=1)) if len(scores) > 1 else None


def _spread(score: float | None, sd: float | None) -> str:
    if score is None:
        return ""
    return f"{score:.4f}" + (f" ± {sd:.4f}" if sd is not None else "")
