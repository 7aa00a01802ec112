"""A competition's archive: resumed when cut, tested whole, and only then given its name."""

import shutil
import sys
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from filelock import FileLock, Timeout

from common.kaggle.calls import Environment, call, check
from common.kaggle.errors import KaggleError
from common.progress import say

STALLED_S = 180.0  # a download that has not grown for so long is given up
LOCK = "lock"


def download(slug: str, folder: Path, *, environment: Environment = None) -> Path:
    """Fetch all files of a competition as `folder/<slug>.zip` and return that path.

    An interrupted download is taken up where it stopped. The archive appears under its name only
    once every member's checksum is right; one that was there before is replaced.

    Raises:
        KaggleError: it cannot be had, or not be written.
    """
    check(slug, environment)
    part = folder / f".{slug}.part"
    try:
        part.mkdir(parents=True, exist_ok=True)
        with FileLock(part / LOCK, timeout=0):
            try:
                target = _fetched(slug, part, environment).replace(folder / f"{slug}.zip")
            finally:  # what has arrived is kept, to be resumed from
                if [path.name for path in part.iterdir()] == [LOCK]:
                    shutil.rmtree(part)
    except Timeout as error:
        raise KaggleError(
            f"{slug} is being downloaded into {folder} by another process; wait for it"
        ) from error
    except OSError as error:
        raise KaggleError(
            f"cannot write {slug}.zip into {folder}: {error.strerror}; free some space, make the "
            "folder writable, or name another place (--data DIR)"
        ) from error
    return target


def _fetched(slug: str, part: Path, environment: Environment) -> Path:
    """The archive inside `part`, tested; fetched a second time when the first is damaged."""

    def size() -> int:
        return sum(path.stat().st_size for path in part.iterdir())

    archive = part / f"{slug}.zip"
    terminal = sys.stderr.isatty()
    request = {
        "operation": "download", "slug": slug, "folder": str(part.resolve()), "bar": terminal,
    }  # fmt: skip
    doing = "downloading"
    call(request, doing, environment, patience_s=STALLED_S, growth=size, show=terminal)
    fault = zip_fault(archive)
    if fault:
        say(f"{slug}.zip arrived damaged ({fault}); fetching it once more")
        _empty(part)  # the client would skip, or resume from, what is spoilt
        call(request, doing, environment, patience_s=STALLED_S, growth=size, show=terminal)
        fault = zip_fault(archive)
    if fault:
        _empty(part)
        raise KaggleError(f"downloading {slug}: the archive is damaged ({fault}); try again later")
    return archive


def _empty(part: Path) -> None:
    for path in part.iterdir():
        if path.name != LOCK:
            path.unlink()


def zip_fault(path: Path) -> str:
    """What is wrong with an archive, every member's checksum included; "" for a good one."""
    try:
        with ZipFile(path) as archive:
            broken = archive.testzip()
    except FileNotFoundError:
        return "nothing arrived under that name"
    except BadZipFile as error:
        return str(error)
    return f"{broken} fails its checksum" if broken else ""
