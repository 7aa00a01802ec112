"""Score any submission against any solution, by any metric, as the loopback host does.

Rows are joined by their ids and columns by their names. A column `Usage` of the solution (Public,
Private, Ignored) splits the score; a column `weight` or `sample_weight` weighs its rows.

Metrics: accuracy balanced_accuracy macro_recall qwk; log_loss balanced_log_loss weighted_log_loss; auc
mean_column_auc partial_auc:0.8 weighted_auc probabilistic_f1; f1_macro f1_micro f1_rows (f2_…,
f0.5_…); rmse mean_column_rmse r2 mean_column_r2 mae; map5 (map1, map3, …) top1_error. Numbers after a
colon are weights of columns or targets, as in macro_recall:2,1,1 or r2:0.1,0.1,0.1,0.2,0.5.

A file with a row for each image and target is scored by target: --targets a,b,c, as its ids end.

Example: kit score qwk solution.csv submission.csv
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.metrics.registry import metric_named
from common.progress import counted, say
from common.score.reading import Reading
from common.score.tables import read_table, score_tables
from common.workflow.options import flag
from common.workflow.request import Catalogue


@dataclass(frozen=True)
class Options:
    """What `score` takes."""

    metric: str = flag("a metric's name", positional=True)
    solution: Path = flag("the CSV of true answers", positional=True)
    submission: Path = flag("the CSV to score", positional=True)
    one_label: bool = flag("a cell of labels is one label, spaces and all", False)
    separator: str = flag("between the labels of a cell; default: spaces", " ")
    empty: str = flag("the word that stands for no label, besides an empty cell", "")
    yes: str = flag("of one column of yes or no: the word that F counts alone", "")
    targets: str = flag("a row for each image and target: their names, a,b,c, as the ids end", "")


def run(options: Options, _: Catalogue) -> dict[str, Any]:
    """Tell the score; the JSON holds it unrounded, and null where there is none."""
    metric = metric_named(options.metric)
    solution, packed = read_table(options.solution)
    submission, more = read_table(options.submission)
    reading = Reading(
        one_label=options.one_label,
        separator=options.separator,
        empty=options.empty,
        yes=options.yes,
        targets=tuple(name.strip() for name in options.targets.split(",") if name.strip()),
    )
    found = score_tables(metric, solution, submission, reading)
    remarks = packed + more + found.remarks
    for remark in remarks:
        say(remark)
    parts = {"score": found.score, "public": found.public, "private": found.private}
    scores = {
        name: None if np.isnan(value) else value
        for name, value in parts.items()
        if value is not None
    }
    shown = {name: "none" if value is None else f"{value:.6f}" for name, value in scores.items()}
    split = "".join(f", {name} {shown[name]}" for name in ("public", "private") if name in shown)
    say(f"{metric.name} {shown['score']} over {counted(found.rows, 'row')}{split}")
    return {"metric": metric.name, **scores, "rows": found.rows, "remarks": remarks}
