"""Put the files that `job` left on other machines into the run, as if it had been trained here.

Recipe, data and code have to be those of this machine. `run` then goes on from there.

Example: kit cifar10 gather fold0.zip fold1.zip fold2.zip fold3.zip fold4.zip
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.workflow.jobs.gathering import gather
from common.workflow.options import flag
from common.workflow.request import Request


@dataclass(frozen=True)
class Options:
    """The options of `gather`."""

    files: tuple[Path, ...] = flag("a file that `job` wrote", metavar="FILE", positional=True)


def run(request: Request, options: Options) -> dict[str, Any]:
    """Check and unpack the files; the JSON names the run and its jobs."""
    return gather(request, options.files)
