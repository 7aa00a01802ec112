"""Download a competition's archive: resumed after a cut, verified, then renamed into place."""

import sys
import zlib
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from common.kaggle.client.errors import KaggleError
from common.kaggle.client.retry import Environment, call, check
from common.kaggle.client.waiting import silence_s
from common.kaggle.protocol import md5_of
from common.progress import say
from common.storage import LOCK, partial_folder

FETCHES = 2  # of an archive that arrives damaged


def download(slug: str, folder: Path, *, environment: Environment = None) -> Path:
    """Fetch all files of a competition as `folder/<slug>.zip` and return that path.

    An interrupted download is resumed, by this call or by the next. The archive
    appears under its name only once every member's checksum is right. One that is there under that
    name and whole is left alone; a damaged one is replaced.

    Raises:
        KaggleError: it cannot be had, or not be written.
    """
    target = folder / f"{slug}.zip"
    if not _is_there(target):
        check(slug, environment)
        remedy = "name another place (--data DIR)"
        with partial_folder(target, f"{slug}.zip", error=KaggleError, remedy=remedy) as part:
            _fetched(slug, part, environment).replace(target)
        say(f"{target}: whole, every member's checksum is right")
    return target


def _is_there(target: Path) -> bool:
    """Is the archive there and whole? Its name and its size say neither."""
    if not target.exists():
        return False
    fault = zip_fault(target)
    if fault:
        say(f"{target} is no whole archive of the data ({fault}); fetching it again")
    else:
        say(f"{target}: there already, and whole; delete it to have it fetched again")
    return not fault


def _fetched(slug: str, part: Path, environment: Environment) -> Path:
    """The archive inside `part`, tested; fetched a second time when the first is damaged."""

    def size() -> int:
        return sum(path.stat().st_size for path in part.iterdir())

    archive = part / f"{slug}.zip"
    terminal = sys.stderr.isatty()
    request = {
        "operation": "download",
        "slug": slug,
        "file": str(archive.resolve()),
        "bar": terminal,
        "silence_s": silence_s(),
    }
    for _ in range(FETCHES):
        stated = call(request, "downloading", environment, growth=size, show=terminal)["md5"]
        fault = zip_fault(archive) or _md5_fault(archive, stated)
        if not fault:
            return archive
        _empty(part)  # or the next call would take it for whole
        say(f"{slug}.zip arrived damaged ({fault})")
    raise KaggleError(
        f"downloading {slug}: the archive arrived damaged {FETCHES} times ({fault}), nothing of it "
        "is kept; try again later"
    )


def _md5_fault(path: Path, stated: str) -> str:
    """What the members' checksums do not cover: names, times, the order of the members."""
    found = md5_of(path) if stated else ""
    return f"its MD5 is {found} and should be {stated}" if found != stated else ""


def _empty(part: Path) -> None:
    for path in part.iterdir():
        if path.name != LOCK:
            path.unlink()


def zip_fault(path: Path) -> str:
    """What is wrong with an archive, every member's checksum included; "" for a good one."""
    try:
        with ZipFile(path) as archive:
            broken = archive.testzip()
            names = archive.namelist()
    except FileNotFoundError:
        return "nothing arrived under that name"
    except (BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        return str(error)
    if names and all("publicleaderboard" in name for name in names):
        return "it holds the leaderboard, which the client saves under the same name"
    return f"{broken} fails its checksum" if broken else ""
