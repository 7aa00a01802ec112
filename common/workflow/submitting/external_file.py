"""A submission file from elsewhere to a run folder of its own, checked against the sample."""

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from common.errors import KitError
from common.progress import say
from common.runs import EXTERNAL_FILE, Run, digest_file, digest_of, locked_run
from common.storage import replacing
from common.submission import problems_and_remarks
from common.submission.file import read_file
from common.workflow.files import Files
from common.workflow.request import Request


@dataclass(frozen=True)
class Content:
    """A valid submission file: the bytes of its CSV, its number of rows, remarks."""

    data: bytes
    rows: int
    remarks: list[str]


def read_checked(path: Path, files: Files) -> Content:
    """A submission file to its validated content; remarks are printed.

    Raises:
        KitError: it is not a CSV, or Kaggle would reject it; all problems are listed.
    """
    rows, data, packed = read_file(path, files.sample)
    problems, remarks = problems_and_remarks(rows, files.sample, files.form)
    remarks = packed + [f"{each}; the site takes that all the same" for each in remarks]
    for remark in remarks:
        say(f"remark: {remark}")
    if problems:
        listed = "".join(f"\n  {problem}" for problem in problems)
        raise KitError(f"{path} would be refused:{listed}")
    return Content(data, len(rows), remarks)


def run_of_file(request: Request) -> Request | None:
    """Turn a request that names a run's submission.csv into one for that run; None for other files.

    Raises:
        KitError: a recipe, fields or a run are given as well.
    """
    path = request.file
    assert path is not None
    if not path.exists():
        raise KitError(
            f"there is no file {path} to submit: check its name (a recipe's fields are field=value)"
        )
    if request.words or request.named_recipe or request.run:
        others = [*request.words, *(["--recipe"] if request.named_recipe else [])]
        others += ["--run"] if request.run else []
        raise KitError(f"{path} is sent as it is: leave {', '.join(others)} out")
    folder = path if path.is_dir() else path.parent
    if (path.is_dir() or path.name == "submission.csv") and (folder / "run.json").is_file():
        return replace(request, run=folder, file=None)
    return None


def run_for_file(request: Request, files: Files) -> Run:
    """A submission file to a run of kind "file"; equal contents share a run."""
    path, competition = request.file, request.competition
    assert path is not None
    content = read_checked(path, files)
    folder = request.runs / f"{competition.name}-file-{digest_of(content.data)[:8]}"
    run = Run(folder)
    with locked_run(folder):
        kept = run / "submission.csv"
        if not kept.is_file() or digest_file(kept) != digest_of(content.data):
            with replacing(kept) as temporary:
                temporary.write_bytes(content.data)
        begun = run.read().get("begun", datetime.now(UTC).isoformat(timespec="seconds"))
        run.note(
            kind=EXTERNAL_FILE,
            competition=competition.name,
            recipe_name=EXTERNAL_FILE,
            metric=competition.metric,
            source=os.fsencode(path).decode(errors="backslashreplace"),
            begun=begun,
        )
    say(f"{path}: kept as {kept}")
    return run
