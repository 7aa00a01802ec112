"""Finished runs to a blended run: weights fitted on out-of-fold predictions."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.data.folds import Rows, read_split
from common.errors import KitError
from common.inference.blend import KINDS, Blend, align, crossfit_blend, weighted_mean
from common.inference.bootstrap import Interval, ScoredRows, gain_interval
from common.inference.crossfit import crossfit_parts, told_if_not_apart
from common.inference.decisions import DECISIONS, kind_for
from common.inference.evaluator import Evaluator, Weights
from common.inference.fitting import decided
from common.inference.out_of_fold import FoldProbs, cv_scores, left_out, pooled
from common.metrics import Probs
from common.progress import counted, first_of, say
from common.recipe import Recipe
from common.runs import Run, fingerprint, locked_run, open_run
from common.storage import write_json, write_text
from common.targets import Targets
from common.workflow.files import Files, open_files, weights_of
from common.workflow.find_run import named_run
from common.workflow.prepare import code_of, labelled
from common.workflow.request import Request
from common.workflow.run_report import draw_out_of_fold
from common.workflow.run_results import (
    PredictedRun,
    check_data,
    data_of,
    note_predicted,
    predictions_folder,
    read_predictions,
    save_probs,
)
from common.workflow.test_set import score_test, write_submission


@dataclass(frozen=True)
class HeldOutRows:
    """The members' out-of-fold predictions [K, N, C], with targets, groups and folds of their rows."""

    ids: list[str]
    targets: Targets
    weights: Weights | None
    groups: npt.NDArray[np.object_]
    parts: Rows
    single: bool  # a single hold-out, split only to fit the weights
    stack: Probs


def blend(request: Request, paths: Sequence[Path], *, kind: str) -> Run:
    """Run folders to a run with their weighted mean predictions, by weights of `kind`."""
    started = time.perf_counter()
    members = [read_predictions(named_run(request, path)) for path in paths]
    if len(members) < 2:
        raise KitError("a blend has two runs or more: name another")
    files, first = open_files(request), members[0].run
    table, store = labelled(request, files, first.recipe())
    for member in members:
        check_data(member.run, table, store, files.target)
    _check_test(members)
    held, evaluator = held_rows(members, files, table.set_index("id", drop=False)), files.evaluator
    stack, targets, counts = held.stack, held.targets, held.weights
    blends = {
        each: crossfit_blend(
            stack, targets, held.parts, kind=each, evaluator=evaluator, counts=counts
        )
        for each in KINDS
    }
    found, blended = _judged(members, held, blends, kind=kind, evaluator=evaluator)
    if request.competition.caution:
        found["caution"] = request.competition.caution
    test = weighted_mean(
        [align(member.test, members[0].test.ids, files.classes) for member in members],
        blends[kind].weights,
    )
    if "decision" in found:
        fit = found["decision"]
        test = DECISIONS[fit["kind"]].apply(files.target, test, np.array(fit["values"]))
    folder = request.runs / f"{request.competition.name}-blend-{_name(members, kind)}"
    with locked_run(folder):
        facts = _facts(request, members, kind, found)
        facts["data"] = data_of(first, table, store, files.target, files.classes)
        joined = open_run(folder, first.recipe(), facts)
        joined.note(**facts)
        _write(joined, members[0], files, found=found, held=(held.ids, blended), test=test)
        draw_out_of_fold(joined, table, store, files.target)
        ids = list(members[0].test.ids)
        write_submission(files, joined, ids=ids, probs=test)
        note_predicted(joined, Recipe(), members[0].test_name)
        score_test(joined, Recipe(), request.competition, files, ids=ids, probs=test)
        joined.note(seconds={"blend": round(time.perf_counter() - started, 2)})
    _tell(found)
    return joined


def _check_test(members: list[PredictedRun]) -> None:
    """Raise a KitError if the members predicted different test sets."""
    for member in members[1:]:
        if member.test_name != members[0].test_name:
            raise KitError(
                f"{member.run.folder} has predicted another test set than {members[0].run.folder}: "
                "call `kit <competition> predict --run …` for both"
            )


def held_rows(members: list[PredictedRun], files: Files, table: pd.DataFrame) -> HeldOutRows:
    """The members' out-of-fold predictions of the same rows; `table` is indexed by id."""
    ids = list(members[0].held_out.ids)
    stack = np.stack([align(member.held_out, ids, files.classes) for member in members])
    rows = table.loc[ids]
    targets = files.target.read(rows)
    split = read_split(members[0].run / "folds.csv", pd.Series(ids))
    parts = crossfit_parts(split.folds, files.target.strata(targets), split.groups)
    single = bool(split.folds.max() <= 0)
    return HeldOutRows(ids, targets, weights_of(rows), split.groups, parts, single, stack)


def _judged(
    members: list[PredictedRun],
    held: HeldOutRows,
    blends: dict[str, Blend],
    *,
    kind: str,
    evaluator: Evaluator,
) -> tuple[dict[str, Any], Probs]:
    """The content of scores.json: the score of `kind`, of every run and of every kind; and the
    blend's out-of-fold probs [N, C] under the decision that the metric asks for."""
    parts = np.zeros_like(held.parts) if held.single else held.parts
    folds = [np.flatnonzero(parts == part) for part in np.unique(parts)]
    mine, weights = blends[kind].probs, held.weights
    of_folds = [FoldProbs(rows, mine[rows]) for rows in folds]
    decision = kind_for("auto", evaluator)
    fitted = None
    if decision != "none":
        fitted = decided(
            of_folds, held.targets, held.groups, evaluator, kind=decision, weights=weights
        )
        of_folds = fitted.folds
        mine = pooled(of_folds, len(held.targets))[1]
    found = cv_scores(of_folds, held.targets, evaluator, weights)
    each = [evaluator.score(probs, held.targets, weights) for probs in held.stack]
    best = int(np.argmin([evaluator.cost(probs, held.targets, weights) for probs in held.stack]))
    runs = [
        {"run": str(member.run.folder), "score": score, "weight": float(weight)}
        for member, score, weight in zip(members, each, blends[kind].weights, strict=True)
    ]
    kinds = {name: _kind(blend, held, best, evaluator) for name, blend in blends.items()}
    found |= {"metric": evaluator.name, "predict": {}, "views": []}
    if fitted is not None:
        found["decision"] = fitted.facts
    found["blend"] = {"kind": kind, "runs": runs, "best": runs[best]["run"], "kinds": kinds}
    if remarks := left_out(of_folds, found["fold_scores"], held.targets, evaluator):
        found["remarks"] = remarks
    if absent := {name for member in members for name in member.scores.get("unreadable", ())}:
        found["unreadable"] = sorted(absent)
    doubts = [told_if_not_apart([np.arange(len(held.ids))], held.groups)] if held.single else []
    doubts += [member.scores["optimistic"] for member in members if "optimistic" in member.scores]
    if any(doubts):
        found["optimistic"] = "; ".join(dict.fromkeys(filter(None, doubts)))
    return found, mine


def _kind(blend: Blend, held: HeldOutRows, best: int, evaluator: Evaluator) -> dict[str, Any]:
    new, old = (
        ScoredRows.of(evaluator, probs, held.targets) for probs in (blend.probs, held.stack[best])
    )
    own, better = weighted_mean(held.stack, blend.weights), evaluator.metric.higher_is_better
    gain = gain_interval([new], [old], held.groups, higher_is_better=better, weights=held.weights)
    return {
        "score": evaluator.score(blend.probs, held.targets, held.weights),
        "in_sample": evaluator.score(own, held.targets, held.weights),
        "weights": blend.weights.tolist(),
        "gain": gain.gain,
        "low": gain.low,
        "high": gain.high,
    }


def _name(members: list[PredictedRun], kind: str) -> str:
    return fingerprint([(each.run.folder.name, each.digest) for each in members], kind)[:8]


def _facts(
    request: Request, members: list[PredictedRun], kind: str, found: dict[str, Any]
) -> dict[str, Any]:
    return {
        "kind": "blended",
        "competition": request.competition.name,
        "recipe_name": "blend",
        "metric": request.competition.metric,
        "rows": members[0].run.read()["rows"],
        "code": code_of(request),
        "files": {},
        "weights": kind,
        "members": [
            row | {"digest": each.digest}
            for row, each in zip(found["blend"]["runs"], members, strict=True)
        ],
    }


def _write(
    blend: Run,
    first: PredictedRun,
    files: Files,
    *,
    found: dict[str, Any],
    held: tuple[list[str], Probs],
    test: Probs,
) -> None:
    folder = predictions_folder(blend, Recipe())
    for place in (folder, blend.folder):
        save_probs(place / "oof.npz", *held)
        write_json(place / "scores.json", found)
    save_probs(folder / first.test_name, first.test.ids, test)
    write_json(blend / "classes.json", list(files.classes))
    write_text(blend / "folds.csv", (first.run / "folds.csv").read_text(encoding="utf-8"))


def _tell(found: dict[str, Any]) -> None:
    """Print the runs' scores and weights, and each kind's gain over the best run."""
    facts, metric = found["blend"], found["metric"].replace("_", " ")
    wide = max(len(Path(row["run"]).name) for row in facts["runs"])
    say(f"  {'out-of-fold, ' + str(found['n']) + ' rows':<{wide}}  {metric:>9}  weight")
    for row in facts["runs"]:
        say(f"  {Path(row['run']).name:<{wide}}  {row['score']:>9.4f}  {row['weight']:>6.2f}")
    for name, kind in facts["kinds"].items():
        used = f" ({kind['in_sample']:.4f} in-sample)" + "  <- used" * (name == facts["kind"])
        gain = Interval(kind["gain"], kind["low"], kind["high"]).text
        say(f"  {'blend, ' + name:<{wide}}  {kind['score']:>9.4f}  {gain}{used}")
    say(
        f"  (in brackets: 95 % of the gain over {Path(facts['best']).name}; each fold by weights of"
    )
    say("  the others; in-sample flatters, and so does another kind because this table likes it)")
    for remark in found.get("remarks", ()):
        say(f"  {remark}")
    if absent := found.get("unreadable"):
        say(f"  {counted(len(absent), 'row')} with the mean prediction: {first_of(absent)}")
    for key in ("optimistic", "caution"):
        if key in found:
            say(f"  {key}: {found[key]}")
