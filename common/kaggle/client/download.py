"""Download a competition's archive, or single files: resumed after a cut, verified, then renamed into place."""

import sys
import zlib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile

from common.data.archives.formats import HEAD, format_of
from common.kaggle.client.errors import KaggleError
from common.kaggle.client.retry import Environment, call, check
from common.kaggle.client.waiting import silence_s
from common.kaggle.protocol import md5_of
from common.progress import first_of, say
from common.storage import LOCK, partial_folder

FETCHES = 2  # of an archive that arrives damaged
NOT_FOUND = 404


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


def download_files(
    slug: str, names: Sequence[str], folder: Path, *, environment: Environment = None
) -> list[Path]:
    """Fetch files of a competition by name, or by a pattern such as 'train/*.csv'; returns their paths.

    Resumed and verified as the whole is. Of a file that Kaggle sends zipped, `<name>.zip` is kept.
    A name without a wildcard is asked for as it is: competitions of many files take long to list.

    Raises:
        KaggleError: none is called so, or it cannot be had, or not be written.
    """
    check(slug, environment)
    exact = [name for name in names if not any(mark in name for mark in "*?[")]
    wanted = dict.fromkeys(exact)
    if len(exact) < len(names):
        rows = call({"operation": "files", "slug": slug}, "listing the files of", environment)
        known = [str(row["name"]) for row in rows]
        for pattern in [name for name in names if name not in exact]:
            found = [name for name in known if fnmatchcase(name, pattern)]
            if not found:
                raise KaggleError(f"{slug} has no file {pattern}: it has {first_of(known)}")
            wanted |= dict.fromkeys(found)
    return [_download_file(slug, name, folder, environment) for name in wanted]


def _download_file(slug: str, name: str, folder: Path, environment: Environment) -> Path:
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise KaggleError(f"{name} would lie outside {folder}: name a file of the competition")
    target = folder / name
    for there in (target, target.with_name(f"{target.name}.zip")):
        if there.exists():
            say(f"{there}: there already; delete it to have it fetched again")
            return there
    remedy = "name another place (--data DIR)"
    with partial_folder(target, name, error=KaggleError, remedy=remedy) as part:
        try:
            arrived = _fetched(slug, part, environment, name)
        except KaggleError as error:
            if getattr(error.__cause__, "status", 0) != NOT_FOUND:
                raise
            raise KaggleError(
                f"{slug} has no file {name} (404): the page of its data lists them, and a pattern in "
                "quotes takes those that fit, as '*.csv'"
            ) from error
        with arrived.open("rb") as file:
            zipped = format_of(file.read(HEAD)) == "zip" and target.suffix.lower() != ".zip"
        target = target.with_name(target.name + ".zip" * zipped)
        arrived.replace(target)
    say(f"{target}: whole")
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


def _fetched(slug: str, part: Path, environment: Environment, name: str = "") -> Path:
    """The archive, or the file `name`, inside `part`, tested; fetched twice when the first is damaged."""

    def size() -> int:
        return sum(path.stat().st_size for path in part.iterdir())

    called = PurePosixPath(name).name or f"{slug}.zip"
    archive = part / called
    terminal = sys.stderr.isatty()
    request = {
        "operation": "download",
        "slug": slug,
        "name": name,
        "file": str(archive.resolve()),
        "bar": terminal,
        "silence_s": silence_s(),
    }
    for _ in range(FETCHES):
        stated = call(request, "downloading", environment, growth=size, show=terminal)["md5"]
        fault = (_fault_if_zip if name else zip_fault)(archive) or _md5_fault(archive, stated)
        if not fault:
            return archive
        _empty(part)  # or the next call would take it for whole
        say(f"{called} arrived damaged ({fault})")
    raise KaggleError(
        f"downloading {slug}: {called if name else 'the archive'} arrived damaged {FETCHES} times "
        f"({fault}), nothing of it is kept; try again later"
    )


def _md5_fault(path: Path, stated: str) -> str:
    """What the members' checksums do not cover: names, times, the order of the members."""
    found = md5_of(path) if stated else ""
    return f"its MD5 is {found} and should be {stated}" if found != stated else ""


def _fault_if_zip(path: Path) -> str:
    if not path.exists():
        return "nothing arrived under that name"
    with path.open("rb") as file:
        return zip_fault(path) if format_of(file.read(HEAD)) == "zip" else ""


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
