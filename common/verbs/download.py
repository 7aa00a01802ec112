"""Download a competition's files from Kaggle, or write out an embedded data set.

An interrupted download is resumed. The archive gets its final name only after its checksums were
verified; so does each file where some are named, by name or by a pattern in quotes ('train/*.csv').

Example: kit cifar10 download trainLabels.csv
"""

from dataclasses import dataclass
from typing import Any

from common.errors import KitError
from common.progress import say
from common.workflow.files import fetch, fetch_files, lay_out
from common.workflow.options import flag
from common.workflow.request import Request


@dataclass(frozen=True)
class Options:
    """The options of `download`."""

    files: tuple[str, ...] = flag(
        "names or patterns of the competition's files; default: all, as one archive", (),
        metavar="FILE", positional=True,
    )  # fmt: skip


def run(request: Request, options: Options) -> dict[str, Any]:
    """Download or write the files; the JSON names their folder.

    Raises:
        KitError: files are named, and the data set ships with the kit.
    """
    if options.files:
        if not request.on_site:
            raise KitError(
                f"{request.competition.name} is no download: `kit {request.competition.name} download` "
                "writes all of it"
            )
        return fetch_files(request, options.files)
    result = fetch(request) if request.on_site else lay_out(request)
    say(f"next: {request.command('run')}")
    return result
