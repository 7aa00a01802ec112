"""Measure this machine's training and inference speed, and propose faster runtime fields.

It times a few hundred of the competition's images and changes no recipe or run: it prints the
fields to add. Other batch sizes change results, so they are shown but not proposed.

Example: kit cifar10 tune --recipe full
"""

from dataclasses import dataclass
from typing import Any

from common.workflow import options as shared
from common.workflow.files import fetch_if_absent
from common.workflow.options import flag
from common.workflow.request import Request
from common.workflow.tuning import SECONDS, tune

SHARED = (shared.field_flags,)


@dataclass(frozen=True)
class Options:
    """The options of `tune`."""

    compile: bool = flag("try torch.compile on a CPU too; it takes a minute", False)
    seconds: float = flag(f"of each measurement; default: {SECONDS}", SECONDS)


def run(request: Request, options: Options) -> dict[str, Any]:
    """Measure; the JSON holds the table, and the fields that were faster."""
    fetch_if_absent(request)
    return tune(request, compiled=options.compile, seconds=options.seconds)
