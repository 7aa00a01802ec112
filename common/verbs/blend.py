"""Blend finished runs into one: weights fitted out-of-fold, judged on rows they never saw.

All three kinds of weights are scored: equal; rank (the best of k runs counts k, the worst 1);
greedy (runs are added as long as they help). The one that --weights names is used, by default
greedy. The blend is a run like any other: submit it, compare it, blend it again.

Example: kit cifar10 blend runs/cifar10-quick-1a2b3c4d runs/cifar10-transfer-5e6f7a8b
"""

import shlex
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from common.inference.blend import KINDS, aligned, blended, weighted
from common.progress import say
from common.recipe import Recipe
from common.runs import begin, owned
from common.workflow.blending import _check_test, _facts, _held, _judged, _name, _tell, _write
from common.workflow.files import open_files
from common.workflow.find_run import named_run
from common.workflow.prepare import labelled, row_groups
from common.workflow.request import Request
from common.workflow.run_report import draw_judged
from common.workflow.run_results import (
    check_data,
    data_of,
    predicted,
    result_of,
)
from common.workflow.test_set import judge_test, write_submission


def flags(parser: ArgumentParser) -> None:
    """The words it takes."""
    parser.add_argument("members", nargs="+", type=Path, metavar="RUN", help="a finished run")
    parser.add_argument("--weights", choices=tuple(KINDS), default="greedy", help="default: greedy")


def run(request: Request) -> dict[str, Any]:
    """Do it, and return what the JSON line holds, with the weights and what each kind scored."""
    started, kind = time.perf_counter(), str(request.options.get("weights") or "greedy")
    members = [predicted(named_run(request, path)) for path in request.options["members"]]
    if len(members) < 2:
        raise ValueError("a blend has two runs or more: name another")
    files, first = open_files(request), members[0].run
    table, store = labelled(request, files, first.recipe())
    for member in members:
        check_data(member.run, table, store)
    _check_test(members)
    groups = row_groups(table, store, first.recipe()).set_axis(table["id"])
    held = _held(members, files, table.set_index("id")["label"], groups)
    metric = request.competition.scored_by
    blends = {
        each: blended(held.stack, held.targets, held.parts, kind=each, metric=metric)
        for each in KINDS
    }
    found = _judged(members, held, blends, kind=kind, metric=metric)
    if request.competition.caution:
        found["caution"] = request.competition.caution
    test = weighted(
        [aligned(member.test, members[0].test.ids, files.classes) for member in members],
        blends[kind].weights,
    )
    folder = request.runs / f"{request.competition.name}-blend-{_name(members, kind)}"
    with owned(folder):
        facts = _facts(request, members, kind, found)
        facts["data"] = data_of(first, table, store, files.classes)
        blend = begin(folder, first.recipe(), facts)
        blend.note(**facts)
        _write(
            blend, members[0], files, found=found, held=(held.ids, blends[kind].probs), test=test
        )
        draw_judged(blend, table, store, files.classes)
        ids = list(members[0].test.ids)
        write_submission(request, files, blend, ids=ids, probs=test)
        blend.note(test=members[0].test_name, predicted={})
        judge_test(blend, Recipe(), request.competition, files, ids=ids, probs=test)
        blend.note(seconds={"blend": round(time.perf_counter() - started, 2)})
    _tell(found)
    if request.competition.on_kaggle:
        say(f"next: {request.command(f'submit --run {shlex.quote(str(blend.folder))}')}")
    return result_of(blend) | {"blend": found["blend"]}
