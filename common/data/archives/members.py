"""An archive's entries as its header declares them, and how a reader hands over their contents."""

import re
import zlib
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from common.errors import KitError

CHUNK = 1 << 20  # bytes read or decompressed at a time
UNNORMALISED = re.compile(r"//|(^|/)\.(/|$)|/$")

Bytes = bytes | bytearray | memoryview
Contents = Generator[tuple[str, Bytes], None, None]


class RefusedError(KitError):
    """An archive that will not be unpacked, with the reason in one sentence."""


class DamagedError(Exception):
    """An archive whose bytes are not what they should be, in a few words."""


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive, as its header declares it.

    Attributes:
        name: path inside the archive, with slashes.
        size: unpacked bytes.
        folder: a folder, not a file.
        special: a link, a device or a pipe.
        encrypted: readable with a password only.
        crc: CRC-32 of the content; None where the format stores none.
    """

    name: str
    size: int
    folder: bool = False
    special: bool = False
    encrypted: bool = False
    crc: int | None = None


@dataclass(frozen=True)
class Listing:
    """The entries of an archive, and a function that reads the contents of its files.

    `contents()` yields (name of the member, next bytes), one member after another.
    """

    members: Sequence[Member]
    contents: Callable[[], Contents]


def normalised(name: str) -> str:
    """A member's path without `./` and doubled slashes."""
    return str(PurePosixPath(name)) if UNNORMALISED.search(name) else name


def files_with_content(members: Iterable[Member]) -> list[Member]:
    """The members that are files and not empty, in the archive's order."""
    return [member for member in members if member.size and not member.folder]


def split_stream(members: Iterable[Member], chunks: Iterable[bytes | bytearray]) -> Contents:
    """Cut the joined contents of these files, in order, into (name, bytes); check their CRCs.

    Raises:
        RefusedError: the stream goes on after the last file.
        DamagedError: a CRC differs.
    """
    files = iter(files_with_content(members))
    member, left, crc = Member("", 0), 0, 0
    for chunk in chunks:
        view = memoryview(chunk)
        while view:
            if left == 0:
                following = next(files, None)
                if following is None:
                    raise RefusedError("it holds more than it declares")
                member, left, crc = following, following.size, 0
            piece, view = view[:left], view[left:]
            yield member.name, piece
            left, crc = left - len(piece), zlib.crc32(piece, crc)
            if left == 0 and member.crc not in (None, crc):
                raise DamagedError(f"the checksum of {member.name!r} is wrong")
