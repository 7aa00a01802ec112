"""Check a submission file against the competition's sample: header, ids, values.

What Kaggle would reject is an error; a difference from the sample that it accepts, such as another
order of rows, is a remark.

Example: kit cifar10 check-submission runs/mine/submission.csv
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.progress import counted, say
from common.workflow.files import open_files
from common.workflow.options import flag
from common.workflow.request import Request
from common.workflow.submitting.external_file import read_checked


@dataclass(frozen=True)
class Options:
    """The options of `check-submission`."""

    file: str = flag("the submission file", positional=True)


def run(request: Request, options: Options) -> dict[str, Any]:
    """Check the file; an error lists all of its problems."""
    path = Path(options.file)
    content = read_checked(path, open_files(request))
    say(f"{path}: {counted(content.rows, 'row')}, as the site wants them")
    if request.competition.on_kaggle:
        say(f"next: {request.command('submit', str(path))}")
    return {"submission": str(path), "problems": [], "remarks": content.remarks}
