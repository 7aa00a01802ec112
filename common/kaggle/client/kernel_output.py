"""Download the output of a kernel version into a folder: all files, or no folder."""

import shutil
import sys
from pathlib import Path

from common.kaggle.client.child_process import RemoteError
from common.kaggle.client.errors import KaggleError
from common.kaggle.client.kernel_push import KIND, Pushed
from common.kaggle.client.retry import Environment, call
from common.kaggle.client.waiting import silence_s
from common.progress import counted, say
from common.storage import partial_folder, read_json, write_json

NOTE = (
    ".kaggle-output.json"  # in the folder: which version it is of, and its files with their bytes
)
FILES, COMING, VERSION = "files", "coming", "version.json"


def fetch_output(pushed: Pushed, folder: Path, *, environment: Environment = None) -> list[Path]:
    """Bring every file of a version's output into `folder` and return their paths, sorted.

    The folder appears with the last file. What has arrived before a cut is kept beside it and
    resumed by the next call; a folder that has all is left alone.

    Raises:
        KaggleError: it cannot be had, or not be written, or the folder holds something else.
    """
    folder = folder.resolve()
    there = _is_there(pushed, folder)
    if there is not None:
        return there
    what = f"the output of {pushed.name}"
    with partial_folder(folder, what, error=KaggleError, remedy="name another place") as part:
        sizes = _collected(pushed, part, environment)
        write_json(part / FILES / NOTE, {**_facts(pushed), "files": sizes})
        if folder.exists():
            folder.rmdir()  # it is empty
        (part / FILES).replace(folder)
    say(f"{folder}: {counted(len(sizes), 'file')} of version {pushed.version} of {pushed.name}")
    return sorted(folder / name for name in sizes)


def _is_there(pushed: Pushed, folder: Path) -> list[Path] | None:
    """The files of this version in a folder that has them all; None for no folder yet.

    Raises:
        KaggleError: it holds something else.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    note = read_json(folder / NOTE) if (folder / NOTE).is_file() else {"files": {}}
    same = all(note.get(name) == value for name, value in _facts(pushed).items())
    if same and all(_size(folder / name) == size for name, size in note["files"].items()):
        return sorted(folder / name for name in note["files"])
    found = "part of it" if same else "something else"
    raise KaggleError(
        f"the output of version {pushed.version} of {pushed.name} does not go into {folder}, which "
        f"holds {found}: delete that folder, or name another place"
    )


def _collected(pushed: Pushed, part: Path, environment: Environment) -> dict[str, int]:
    """All files below `part`/files, with their bytes."""
    known = part / VERSION
    if not known.is_file() or read_json(known) != _facts(pushed):
        for name in (FILES, COMING):  # of another version
            shutil.rmtree(part / name, ignore_errors=True)
        write_json(known, _facts(pushed))
    for name in (FILES, COMING):
        (part / name).mkdir(exist_ok=True)
    request = {
        "operation": "kernel_output",
        "slug": pushed.name,
        "version": pushed.version,
        "folder": str(part / FILES),
        "part": str(part / COMING),
        "silence_s": silence_s(),
        "bar": sys.stderr.isatty(),
    }

    def grown() -> int:
        return sum(path.stat().st_size + 1 for path in part.rglob("*") if path.is_file())

    try:
        names = call(
            request,
            "fetching the output of",
            environment,
            growth=grown,
            what=KIND,
            show=sys.stderr.isatty(),
        )["files"]
    except KaggleError as error:
        if isinstance(error.__cause__, RemoteError) and error.__cause__.kind == "name":
            raise KaggleError(
                f"the output of version {pushed.version} of {pushed.name} holds "
                f"{error.__cause__.reason}, which would leave {part.parent}: nothing was brought there"
            ) from error
        raise
    return {name: _size(part / FILES / name) for name in names}


def _facts(pushed: Pushed) -> dict[str, str | int]:
    return {"kernel": pushed.name, "version": pushed.version}


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1
