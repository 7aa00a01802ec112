"""Train variants on the same folds, with 95 % bootstrap intervals of their differences.

A variant is one word: a recipe's name, fields, or both, such as quick,lr=0.01,freeze=backbone.
A field=value word without a comma holds for all variants. All train for the first variant's epochs,
unless a variant's own word sets epochs=, or --own-budget is given.

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

SHARED = (shared.recipe, shared.accept_code_flag)


@dataclass(frozen=True)
class Options:
    """The options of `compare`."""

    variants: tuple[str, ...] = flag(
        "a recipe, fields, or both: quick,lr=0.01", metavar="VARIANT", positional=True
    )
    seeds: int | None = flag(
        "training runs a variant, with seeds 0, 1, …; default: one, with the recipe's seed"
    )
    own_budget: bool = flag("train each variant for its own epochs", False)


def run(request: Request, options: Options) -> dict[str, Any]:
    """Train and compare the variants; the JSON holds the table, and `csv`, its file."""
    named = variants(request, options.variants, seeds=options.seeds, own_budget=options.own_budget)
    fetch_if_absent(request)
    return compare(request, named)
