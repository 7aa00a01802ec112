"""Check a submission file against the competition's sample: header, ids, order, values.

Example: kit cifar10 check-submission runs/mine/submission.csv
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from common import submission
from common.progress import counted, say
from common.workflow.files import open_files
from common.workflow.request import Request


def flags(parser: ArgumentParser) -> None:
    """The words it takes."""
    parser.add_argument("file", help="the submission file")


def run(request: Request) -> dict[str, Any]:
    """Do it; a file with problems is an error that lists them all."""
    path = Path(request.options["file"])
    files = open_files(request)
    rows = submission.read_csv(path)
    problems = submission.validate(rows, files.sample, files.classes)
    if problems:
        listed = "".join(f"\n  {problem}" for problem in problems)
        raise ValueError(f"{path} would be refused:{listed}")
    say(f"{path}: {counted(len(rows), 'row')}, as the sample wants them")
    return {"submission": str(path), "problems": []}
