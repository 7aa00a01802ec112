"""Train variants on the same folds in the same order, and say which differences are more than luck.

A variant is one word: a recipe's name, fields, or both, such as quick,lr=0.01,freeze=backbone.
Lone field=value words hold for all. Every variant gets the first one's epochs, but for those that
its own word gives it, or all with --own-budget.

Example: kit cifar10 compare quick quick,lr=0.1 transfer rows=5000 --seeds 3
"""

from dataclasses import dataclass
from typing import Any

from common.workflow import options as shared
from common.workflow.comparison import compare
from common.workflow.files import fetch_if_absent
from common.workflow.options import flag
from common.workflow.request import Request
from common.workflow.variants import variants

SHARED = (shared.recipe, shared.continues)


@dataclass(frozen=True)
class Options:
    """What `compare` takes beside them."""

    variants: tuple[str, ...] = flag("see above", metavar="VARIANT", positional=True)
    seeds: int | None = flag("runs of each variant, with seeds 0, 1, …; default: one, its own")
    own_budget: bool = flag("each variant has its own epochs", False)


def run(request: Request, options: Options) -> dict[str, Any]:
    """The JSON holds the table, and `csv` where it is kept."""
    named = variants(request, options.variants, seeds=options.seeds, own_budget=options.own_budget)
    fetch_if_absent(request)
    return compare(request, named)
