"""Check a submission file against the competition's sample: header, ids, values.

What the site would refuse is an error; what it takes although the sample is otherwise, such as rows
in another order, is a remark.

Example: kit cifar10 check-submission runs/mine/submission.csv
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.progress import counted, say
from common.workflow.files import open_files
from common.workflow.options import flag
from common.workflow.request import Request
from common.workflow.submitting.foreign_file import checked


@dataclass(frozen=True)
class Options:
    """What `check-submission` takes."""

    file: str = flag("the submission file", positional=True)


def run(request: Request, options: Options) -> dict[str, Any]:
    """Check the file; one with problems is an error that lists them all."""
    path = Path(options.file)
    content = checked(path, open_files(request))
    say(f"{path}: {counted(content.rows, 'row')}, as the site wants them")
    if request.competition.on_kaggle:
        say(f"next: {request.command('submit', str(path))}")
    return {"submission": str(path), "problems": [], "remarks": content.remarks}
