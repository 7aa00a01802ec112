"""Train variants on the same folds in the same order, and say which differences are more than luck.

A variant is one word: a recipe's name, fields, or both, such as quick,lr=0.01,freeze=backbone.
Lone field=value words hold for all. Every variant gets the first one's epochs, but for those that
its own word gives it, or all with --own-budget.

Example: kit cifar10 compare quick quick,lr=0.1 transfer rows=5000 --seeds 3
"""

from argparse import ArgumentParser
from typing import Any

import pandas as pd

from common.progress import say
from common.runs import fingerprint
from common.storage import replacing
from common.workflow import options as shared
from common.workflow.comparison import Judged, _check_folds, _judged, _row, _tell
from common.workflow.files import fetch_if_absent
from common.workflow.request import Request
from common.workflow.variants import variants


def flags(parser: ArgumentParser) -> None:
    """The words it takes."""
    parser.add_argument("variants", nargs="+", metavar="VARIANT", help="see above")
    shared.recipe(parser)
    shared.continues(parser)
    parser.add_argument(
        "--seeds", type=int, help="runs of each variant, with seeds 0, 1, …; default: one, its own"
    )
    parser.add_argument("--own-budget", action="store_true", help="each variant has its own epochs")


def run(request: Request) -> dict[str, Any]:
    """Do it; the JSON holds the table, and `csv` where it is kept."""
    options, metric = request.options, request.competition.scored_by
    named = variants(
        request, options["variants"], seeds=options.get("seeds"),
        own_budget=bool(options.get("own_budget")),
    )  # fmt: skip
    fetch_if_absent(request)
    done: dict[str, list[Judged]] = {}
    for number, (name, requests) in enumerate(named, 1):
        say(f"variant {number} of {len(named)}: {name}")
        done[name] = [_judged(each, metric) for each in requests]
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
    _tell(table, metric, len(first[0].rows))
    if request.competition.caution:
        say(f"  caution: {request.competition.caution}")
    say(f"  kept in {path}")
    return {"metric": metric.name, "n": len(first[0].rows), "variants": table, "csv": str(path)}
