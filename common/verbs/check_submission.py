"""Check a submission file against the competition's sample: header, ids, order, values.

Example: kit cifar10 check-submission runs/mine/submission.csv
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import submission
from common.errors import KitError
from common.progress import counted, say
from common.workflow.files import open_files
from common.workflow.options import flag
from common.workflow.request import Request


@dataclass(frozen=True)
class Options:
    """What `check-submission` takes."""

    file: str = flag("the submission file", positional=True)


def run(request: Request, options: Options) -> dict[str, Any]:
    """Check the file; one with problems is an error that lists them all."""
    path = Path(options.file)
    files = open_files(request)
    rows = submission.read_csv(path)
    problems = submission.validate(rows, files.sample, files.classes)
    if problems:
        listed = "".join(f"\n  {problem}" for problem in problems)
        raise KitError(f"{path} would be refused:{listed}")
    say(f"{path}: {counted(len(rows), 'row')}, as the sample wants them")
    return {"submission": str(path), "problems": []}
