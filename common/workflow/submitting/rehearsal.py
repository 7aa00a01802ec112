"""A rehearsal: run and submit against a hidden part of the labels, with the scores' standard errors."""

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from common.data.folds import read_split
from common.inference.bootstrap import ScoredRows, resampled
from common.inference.evaluator import Weights
from common.inference.out_of_fold import or_none
from common.kaggle.server.host import Host
from common.kaggle.server.scoring import public_rows
from common.metrics import Metric
from common.progress import say
from common.run_files import read_arrays
from common.runs import Run, locked_run
from common.workflow.files import fetch, holds_files, open_files, read_files, weights_of
from common.workflow.pipeline import finished
from common.workflow.request import Request, path_words
from common.workflow.run_results import judged_folder, result_of, scores_of
from common.workflow.submitting.local_kaggle import PUBLIC_SHARE, environment_set, of_rehearsal
from common.workflow.submitting.rehearsal_site import SERVED, facts_of, make_rehearsal
from common.workflow.submitting.send import send

BINOMIAL = "sqrt(p(1-p)/n)"
FEW = 2_000  # rows: each trains the models of the others (see LOG.md, answers of every kind)


def rehearse(request: Request, *, share: float, seed: int) -> dict[str, Any]:
    """Hide a share of the labelled rows, train, submit and score; returns the JSON result."""
    folder = make_rehearsal(request, open_files(request), share=share, seed=seed)
    with locked_run(folder):
        result = _competed(hidden_request(request, folder), folder)
    result |= {"rehearsal": str(folder)} | worth(request, folder, result)
    tell(request, result, ["--hidden", f"{share:g}", "--seed", str(seed + 1)])
    return result


def hidden_request(request: Request, folder: Path) -> Request:
    """The request of a competitor who has only what the rehearsal's site serves."""
    competition = replace(request.competition, embedded=None, on_kaggle=True, code=False)
    data, runs = folder / "data", folder / "runs"
    return replace(request, competition=competition, data=data, runs=runs, run=None)


def _competed(request: Request, folder: Path) -> dict[str, Any]:
    """Download, run and submit against the local Kaggle."""
    with Host([of_rehearsal(request.competition, folder)], folder=folder / "host") as host:
        if not holds_files(request.data_folder):
            with environment_set(host.environment):
                fetch(request)
        run = Run(Path(finished(request)["run"]))
        result = result_of(run, scores_of(run))
        if "ref" in result:
            say(f"{result['submission']}: submitted before (ref {result['ref']})")
            return result
        with environment_set(host.environment):
            send(
                replace(request, run=run.folder), again=True
            )  # two recipes may write the same file
        return result_of(run, scores_of(run))


def worth(request: Request, folder: Path, result: dict[str, Any]) -> dict[str, Any]:
    """What a rehearsal's result is worth: each score's number of rows and standard error."""
    hidden = int(facts_of(folder)["hidden"])
    metric, spread = request.competition.scored_by, _spread(request, folder, result)
    rows = {"cv": spread.rows, "public": public_rows(hidden, PUBLIC_SHARE)}
    rows["private"] = hidden - rows["public"]
    errors = {
        f"{name}_error": or_none(standard_error(result[name], count, spread))
        for name, count in rows.items()
        if result[name] is not None
    }
    known = None not in (result["private"], result["cv"])
    return {
        "final": Run(Path(result["run"])).recipe().final,
        "labelled": facts_of(folder)["labelled"],
        "hidden": hidden,
        "public_rows": rows["public"],
        "private_rows": rows["private"],
        "error_source": spread.source,
        **errors,
        "difference": metric.gain(result["private"], result["cv"]) if known else None,
    }


@dataclass(frozen=True)
class Spread:
    """The standard deviation of one row's score, nan where nothing tells it; from what, and from how many rows.

    Rows without an answer are rows here, as among the hidden ones.
    """

    of_row: float
    source: str
    rows: int


def standard_error(score: float, rows: int, spread: Spread) -> float:
    """The standard error of a score of n rows: of a row's score / sqrt(n), of an accuracy p sqrt(p(1-p)/n).

    An accuracy of 0 or 1 is moved by half a row, so that its error is not 0.
    """
    of_row = spread.of_row
    if spread.source == BINOMIAL:
        p = min(max(score, 0.5 / rows), 1 - 0.5 / rows)
        of_row = math.sqrt(p * (1 - p))
    return of_row / math.sqrt(rows)


def spread_of(
    scored: ScoredRows, metric: Metric, groups: Sequence[str], weights: Weights | None
) -> Spread:
    """How far a row's score spreads: that of whole groups resampled, where rows share any.

    So too where rows have weights, or no scores of their own: the spread over resamples times sqrt(n).
    """
    count = len(groups)
    alone = len(set(groups)) == count
    if scored.rows is not None and weights is None and alone and not np.isnan(scored.rows).any():
        source = BINOMIAL if metric.name == "accuracy" else "of the rows' scores"
        return Spread(float(np.nanstd(scored.rows)), source, count)
    draws = resampled([scored], groups, weights)[1:]
    draws = draws[~np.isnan(draws)]
    of_row = float(np.std(draws)) * math.sqrt(count) if len(draws) else math.nan
    return Spread(of_row, f"of resampled {'rows' if alone else 'groups'}", count)


def _spread(request: Request, folder: Path, result: dict[str, Any]) -> Spread:
    """`spread_of` the out-of-fold predictions."""
    run = Path(result["run"])
    files = read_files(request.competition, folder / SERVED)
    oof = read_arrays(judged_folder(Run(run)) / "oof.npz")
    ids, probs = oof["ids"].tolist(), oof["probs"]
    table = files.train.set_index("id", drop=False).loc[ids]
    scored = ScoredRows.of(files.evaluator, probs, files.target.read(table))
    groups = read_split(run / "folds.csv", table["id"]).groups
    return spread_of(scored, files.evaluator.metric, list(groups), weights_of(table))


def tell(request: Request, result: dict[str, Any], draw: list[str]) -> None:
    """Print CV, public and private scores with standard errors, and the next command."""
    name, metric = request.competition.name, result["metric"].replace("_", " ")
    lines = [
        "",
        f"{request.competition.title}, rehearsed: {metric} (± one standard error)",
        _line("CV", result, "cv", f"{result['n']:,} rows, out-of-fold"),
        _line("public", result, "public", f"{result['public_rows']:,} hidden rows"),
        _line("private", result, "private", f"{result['private_rows']:,} hidden rows"),
    ]
    if result.get("cv_sd") is not None:
        lines.append(f"  between folds, the CV's standard deviation is {result['cv_sd']:.4f}")
    lines += _verdict(result)
    if request.competition.caution:
        lines.append(f"  caution: {request.competition.caution}")
    lines += [
        f"kept in {result['rehearsal']}; nothing of it counts as a run of {name}",
        f"all rehearsals side by side: {shlex.join(['kit', 'ledger', *path_words(None, request.runs)])}",
        f"next: {request.command('rehearse', *draw)}",
    ]
    for line in lines:
        say(line)


def _line(title: str, result: dict[str, Any], name: str, rows: str) -> str:
    score = result[name]
    shown = "no score"
    if score is not None:
        error = result[f"{name}_error"]
        shown = f"{score:.4f}" + (" ± unknown" if error is None else f" ± {error:.4f}")
    return f"  {title:<8} {shown}  on {rows}"


def _verdict(result: dict[str, Any]) -> list[str]:
    if result["difference"] is None:
        return ["  without both scores there is nothing to compare: hide more rows (--hidden)"]
    if result["cv_error"] is None:
        return [
            "  all rows that CV scores are of one group: nothing tells how far luck moves a score"
        ]
    noise = math.hypot(result["cv_error"], result["private_error"])
    better = "better" if result["difference"] >= 0 else "worse"
    luck = (
        "which luck in the rows may explain"
        if abs(result["difference"]) <= 2 * noise
        else "more than luck in the rows explains"
    )
    lines = [
        f"  what it is worth: the private score stands on n = {result['private_rows']:,} hidden rows;"
        f" its standard error ({result['error_source']}) is {result['private_error']:.4f}",
        f"  private is {abs(result['difference']):.4f} {better} than CV, {luck}"
        f" (two standard errors of the difference: {2 * noise:.4f})",
        f"  two runs whose private scores differ by less than {2 * result['private_error']:.4f} are"
        " hardly told apart here",
    ]
    if result["n"] < FEW:
        lines.append(
            "  these errors take the trained models as given: a CV of some hundred rows varies up to half"
            " as much again"
        )
    if len(result["fold_scores"]) > 1 and result["final"] == "folds":
        lines.append(
            f"  (CV judges single models, the leaderboard the mean of {len(result['fold_scores'])}:"
            " that alone lifts the leaderboard)"
        )
    return lines
