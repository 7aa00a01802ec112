"""Time the recipe's own steps on this machine, and say which runtime fields would be faster.

Some hundred of the competition's own images are enough. Nothing is written into a recipe or a run:
it ends with words to type. Other batch sizes change results; they are shown and not proposed.

Example: kit cifar10 tune --recipe full
"""

from argparse import ArgumentParser
from dataclasses import asdict, replace
from typing import Any

from common.data.classes import targets_of
from common.models.backbone import check_backbone
from common.progress import say
from common.recipe import with_values
from common.training.optimisers import check_optimiser
from common.workflow import options as shared
from common.workflow.files import fetch_if_absent, open_files
from common.workflow.prepare import labelled
from common.workflow.request import Request
from common.workflow.tuning import ROWS, SECONDS, Bench, Row, _device, _rows, _tell, candidates


def flags(parser: ArgumentParser) -> None:
    """The words it takes."""
    shared.fields(parser)
    parser.add_argument(
        "--compile", action="store_true", help="try torch.compile on a CPU too; it takes a minute"
    )
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help=f"of a measurement; default: {SECONDS}"
    )


def run(request: Request) -> dict[str, Any]:
    """Do it, and return what the JSON line holds."""
    fetch_if_absent(request)
    recipe = request.recipe
    check_backbone(recipe.backbone)
    check_optimiser(recipe.optimizer)
    files = open_files(request)
    table, store = labelled(request, files, replace(recipe, rows=min(recipe.rows or ROWS, ROWS)))
    targets = targets_of(table["label"], files.classes)
    seconds = request.options.get("seconds", SECONDS)
    bench = Bench(request, files, store, targets, seconds)
    setting = bench.setting(recipe)
    device = _device(setting)
    say(f"{len(store):,} images on {device}; each value in turn with the recipe's own")
    say(f"{'':34}{'images/s':>10}{'ratio':>8}{'memory MB':>11}")
    rows, proposal = list[Row](), list[str]()
    for field, of, values in candidates(setting, bool(request.options.get("compile"))):
        found = _rows(bench, recipe, of, field, values)
        rows += found
        best = max(found, key=lambda row: row.ratio * row.faster, default=None)
        if best and best.faster and field != "batch_size":
            proposal.append(best.candidate)
            recipe = with_values(recipe, [best.candidate])
    _tell(proposal)
    return {
        "device": device, "rows": len(store), "table": [asdict(row) for row in rows],
        "proposal": " ".join(proposal),
    }  # fmt: skip
