"""Runs to their report: one HTML file, in the run or among the reports of several."""

import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from common.errors import KitError
from common.progress import say
from common.reporting.html.charts import learning_charts
from common.reporting.html.page import write_page
from common.reporting.html.thumbnails import DEFAULT_COUNT, Thumbnails
from common.runs import EXTERNAL_FILE, Run, fingerprint
from common.workflow.files import open_files
from common.workflow.prepare import Prepared, labelled, prepared
from common.workflow.report import parts
from common.workflow.report.cam import grad_cams
from common.workflow.report.images import doubts_of, gallery_of, pairs_of
from common.workflow.report.judged import Material, told_if_judged_in_part
from common.workflow.request import Request
from common.workflow.run_report import histories_of
from common.workflow.run_results import check_data

NAME = "report.html"


def report_of_finished(ready: Prepared) -> str | None:
    """The report at the end of `run`; whatever goes wrong in it is told and stops nothing."""
    try:
        material = Material(ready.request, ready.files, ready.table, ready.store, [ready.run])
        return str(write_report(material))
    except Exception as error:  # a report is worth no run
        again = ready.request.command("report")
        say(f"the report could not be written ({error}): with that mended, `{again}` writes it")
        return None


def open_material(request: Request, runs: Sequence[Run]) -> Material:
    """Runs to what their report is made from.

    Raises:
        KitError: a submission file from elsewhere; runs made from other rows, labels or images.
    """
    for run in runs:
        if run.read()["kind"] == EXTERNAL_FILE:
            raise KitError(
                f"{run.folder} is a submission file from elsewhere: nothing of it is known"
            )
    files = open_files(request)
    table, store = labelled(request, files, runs[0].recipe())
    for run in runs:
        check_data(run, table, store, files.target)
    material = Material(request, files, table, store, runs)
    if len(runs) > 1 and not material.judged:
        raise KitError("a run trained with folds=0 held out no rows to compare: leave it out")
    return material


def report_with_cams(request: Request, run: Run, *, count: int = DEFAULT_COUNT) -> Path:
    """Write a trained run's report with Grad-CAM of its worst and most doubtful images.

    Raises:
        KitError: captum is missing; the run has no models, or held out no rows.
    """
    with prepared(request, of=run) as ready:
        material = Material(request, ready.files, ready.table, ready.store, [run])
        if not material.judged:
            raise KitError(f"{run.folder} held out no rows (folds=0): there is nothing to explain")
        doubts = doubts_of(material)
        cams = grad_cams(material, ready, [] if doubts is None else doubts["all"])
        return write_report(material, count=count, cams=cams)


def write_report(
    material: Material,
    *,
    count: int = DEFAULT_COUNT,
    cams: dict[str, list[tuple[str, str]]] | None = None,
) -> Path:
    """Write the report, with heat maps of some rows where there are any; returns its path."""
    runs = material.runs
    path = runs[0] / NAME
    if len(runs) > 1:
        key = fingerprint([run.folder.name for run in runs])[:8]
        name = f"{material.request.competition.name}-{key}.html"
        path = material.request.runs / "reports" / name
    write_page(path, "report.html.j2", _content(material, count, cams or {}))
    if material.judged and len(runs) == 1:
        material.keep_truth()
    return path


def _content(material: Material, count: int, cams: dict[str, Any]) -> dict[str, Any]:
    """Everything that the template shows."""
    started, runs, thumbnails = time.perf_counter(), material.runs, Thumbnails()
    competition, facts = material.request.competition, runs[0].read()
    metric = facts["metric"].replace("_", " ")
    doubts = doubts_of(material)
    pairs = pairs_of(material, thumbnails)
    gallery = None
    if material.judged:
        gallery = gallery_of(material, doubts, thumbnails, count, [int(row) for row in cams])
        gallery["cams"] = cams
    several = len(runs) > 1
    histories = {} if several else histories_of(runs[0])
    return {
        "title": competition.title,
        "names": [run.folder.name for run in runs],
        "metric": metric,
        "higher": competition.scored_by.higher_is_better,
        "n": len(material.rows),
        "folds": runs[0].recipe().folds,
        "made": datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        "partial": told_if_judged_in_part(material),
        "scores": [parts.score_of(material, at) for at in range(len(runs))],
        "blends": material.blends() if several else [],
        "choice": {} if several else parts.choice_of(runs[0]),
        "curves": learning_charts(histories, metric) if histories else [],
        "answers": [
            {"name": run.folder.name, "charts": each.charts(), "classes": each.classes(),
             "confusion": each.confusion()}
            for run, each in zip(runs, material.answers, strict=material.judged)
        ],
        "form": material.answers[0].form if material.judged else None,
        "classes": list(material.answers[0].names) if material.judged else [],
        "gallery": gallery,
        "pictures": thumbnails.pictures,
        "pictured": sum(name.isdigit() for name in thumbnails.pictures),
        "doubts": doubts,
        "pairs": pairs,
        "data": {
            "summary": material.target.summary(material.target.read(material.table)),
            "rows": len(material.table),
            "balance": parts.balance_of(material),
            "sizes": parts.sizes_of(material.store.shapes),
            "groups": parts.groups_of_rows(material.split.groups.tolist()),
        },
        "costs": [parts.cost_of(run) for run in runs],
        "recipes": [{"fields": parts.recipe_of(run), "command": parts.command_of(material, run)}
                    for run in runs],
        "seconds_taken": round(time.perf_counter() - started, 1),
    }  # fmt: skip
