"""Train one model of a run and leave it as one file, for `gather` on another machine.

NAME is the model's folder in a run: fold0, fold0-seed1, refit. A killed call is resumed by the same
command.

Example: kit cifar10 job fold0 --out fold0.zip epochs=2
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import KitError
from common.workflow import options as shared
from common.workflow.jobs.alone import train_job_file
from common.workflow.options import flag
from common.workflow.request import Request

SHARED = (shared.job_flags, shared.fresh_flags)


@dataclass(frozen=True)
class Options:
    """The options of `job`."""

    out: Path | None = flag("the file to write; default: NAME.zip", metavar="FILE")
    test: bool = flag("predict the test set too, so that `gather` need not", default=False)


def run(request: Request, options: Options) -> dict[str, Any]:
    """Train the job; the JSON names run, job and file."""
    if request.file is None:
        raise KitError(
            "which model is to be trained? Name its folder in the run: fold0, fold0-seed1, refit"
        )
    name = str(request.file)
    return train_job_file(request, name, options.out or Path(f"{name}.zip"), test=options.test)
