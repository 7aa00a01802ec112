"""Time the recipe's own steps on this machine, and say which runtime fields would be faster.

Some hundred of the competition's own images are enough. Nothing is written into a recipe or a run:
it ends with words to type. Other batch sizes change results; they are shown and not proposed.

Example: kit cifar10 tune --recipe full
"""

from dataclasses import dataclass
from typing import Any

from common.workflow import options as shared
from common.workflow.files import fetch_if_absent
from common.workflow.options import flag
from common.workflow.request import Request
from common.workflow.tuning import SECONDS, tune

SHARED = (shared.recipe_fields,)


@dataclass(frozen=True)
class Options:
    """What `tune` takes beside them."""

    compile: bool = flag("try torch.compile on a CPU too; it takes a minute", False)
    seconds: float = flag(f"of a measurement; default: {SECONDS}", SECONDS)


def run(request: Request, options: Options) -> dict[str, Any]:
    """The JSON holds the table of what was measured, and the words that were faster."""
    fetch_if_absent(request)
    return tune(request, compiled=options.compile, seconds=options.seconds)
