"""One archive into one folder: whole, or not at all."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from common.data import sevenzip_program, unzip
from common.data.members import DamagedError, Member, RefusedError, judge
from common.data.writing import Writing
from common.progress import bar, first_of, say

SUFFIXES = (".zip", ".7z")
T = TypeVar("T")


@dataclass(frozen=True)
class Reader:
    """How one kind of archive is listed and extracted."""

    members: Callable[[Path], list[Member]]
    extract: Callable[[Path, Writing], None]


def is_archive(path: Path) -> bool:
    """Does the name say that this is an archive the kit unpacks?"""
    return path.suffix.lower() in SUFFIXES


def members_of(archive: Path) -> list[Member]:
    """List an archive's entries.

    Raises:
        ValueError: the archive is damaged, encrypted, or nothing here can read it.
    """
    return _guarded(archive, lambda: _reader(archive).members(archive))


def unpack(archive: Path, into: Path, *, used: int = 0) -> Sequence[Member]:
    """Unpack one archive in the existing folder `into`; return what it held.

    Args:
        archive: a zip or 7z file.
        into: a folder that the caller throws away when this fails.
        used: bytes already unpacked from the same download.

    Raises:
        ValueError: the archive is damaged, unsafe, encrypted, too large, or cannot be read here.
    """
    reader = _reader(archive)
    members = members_of(archive)
    judge(archive, members, into, used=used)
    files, size = sum(not member.folder for member in members), sum(m.size for m in members)
    say(f"unpacking {archive.name}: {files:,} files, {size / 1e6:,.1f} MB")
    with bar(size, f"unpacking {archive.name}", "B") as progress:
        _guarded(archive, lambda: _extract(reader, archive, Writing(members, into, progress)))
    return members


def _extract(reader: Reader, archive: Path, writing: Writing) -> None:
    with writing:
        reader.extract(archive, writing)
    if missing := writing.unfinished():
        raise DamagedError(f"cut short: {first_of(missing)}")


def _reader(archive: Path) -> Reader:
    if archive.suffix.lower() == ".zip":
        return Reader(unzip.members, unzip.extract)
    try:
        library = importlib.import_module("common.data.sevenzip")
    except ImportError:
        if sevenzip_program.program():
            return Reader(sevenzip_program.members, sevenzip_program.extract)
        raise ValueError(
            f"nothing here can read {archive}: install the library with `pip install py7zr`, or "
            "the program 7z"
        ) from None
    return Reader(library.members, library.extract)


def _guarded(archive: Path, work: Callable[[], T]) -> T:
    """Run a reader; whatever it stumbles over becomes one sentence about the archive."""
    try:
        return work()
    except RefusedError as refused:
        named = str(archive) in str(refused)
        raise refused if named else RefusedError(f"{archive} was not unpacked: {refused}") from None
    except NotImplementedError as error:
        raise ValueError(
            f"{archive} is packed in a way that nothing here can read ({error}): unpack it by "
            "hand, in the folder where it lies"
        ) from error
    except FileExistsError as error:
        raise ValueError(
            f"{archive} holds {error.filename}, which another archive has already put there: "
            "remove one of the two"
        ) from error
    except Exception as error:
        # DamagedError archives raise almost anything: struct, zlib, lzma, index and type errors.
        if isinstance(error, OSError) and error.errno is not None and error.strerror:
            raise ValueError(
                f"could not unpack {archive}: {error.strerror} ({error.filename or archive}); free "
                "some space or make the folder writable, then try again"
            ) from error
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"{archive} is damaged or was cut short ({reason}): delete it and download it again"
        ) from error
