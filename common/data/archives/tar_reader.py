"""Read tar archives, plain or compressed by gzip, bzip2 or xz, by the standard library.

The library lists and decompresses, and the kit writes the files, so that nothing is written outside
the folder. A tar has no checksums of contents; a compressed one has one of the whole, and is read
to its end.
"""

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tarfile import BLOCKSIZE, TarFile, TarInfo
from typing import IO, Any, cast

from common.data.archives.formats import HEAD, format_of
from common.data.archives.members import (
    CHUNK,
    Contents,
    DamagedError,
    Listing,
    Member,
    RefusedError,
)
from common.data.archives.parts import open_parts, size_of
from common.data.archives.safety import GB, MAX_RATIO

MAX_HEADER = 16 << 20  # bytes: a longer one would fill the memory
MAX_PADDING = 1 << 26  # bytes after the end of the list
OPENERS: dict[str | None, Callable[[Any], Any]] = {
    "gz": lambda file: gzip.GzipFile(fileobj=file, mode="rb"),
    "bz2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
}


def listing(archive: Path) -> Listing:
    """List the entries of a tar archive; the list ends early once they are too large."""
    members: list[Member] = []
    left = max(GB, MAX_RATIO * size_of(archive))
    with _opened(archive) as (tar, source):
        for info in tar:
            _forget_members(tar)
            if info.isdir() and not info.name.strip("./"):
                continue  # the folder that was packed
            members.append(_member(info))
            left -= info.size
            if left < 0:
                break
        else:
            source.check_end()
    return Listing(members, partial(_contents, archive))


def is_tar(archive: Path) -> bool:
    """Does a compressed file hold a tar?"""
    with open_parts(archive) as raw:
        opener = OPENERS.get(format_of(raw.read(HEAD)))
        raw.seek(0)
        try:
            return opener is not None and format_of(opener(raw).read(HEAD)) == "tar"
        except (OSError, EOFError, lzma.LZMAError):
            return False


def _contents(archive: Path) -> Contents:
    with _opened(archive) as (tar, source):
        for info in tar:
            _forget_members(tar)
            file = tar.extractfile(info) if info.isreg() and info.size else None
            while file and (chunk := file.read(CHUNK)):
                yield info.name, chunk
        source.check_end()


def _forget_members(tar: TarFile) -> None:
    """Drop the entries read so far, of which the library keeps a list."""
    cast(Any, tar).members = []


def _member(info: TarInfo) -> Member:
    return Member(
        name=info.name,
        size=info.size if info.isreg() else 0,
        folder=info.isdir(),
        special=not (info.isreg() or info.isdir()),
    )


@contextmanager
def _opened(archive: Path) -> Iterator[tuple[TarFile, "_Source"]]:
    with ExitStack() as stack:
        raw = stack.enter_context(open_parts(archive))
        opener = OPENERS.get(format_of(raw.read(HEAD)))
        raw.seek(0)
        source = _Source(stack.enter_context(opener(raw)) if opener else raw)
        yield stack.enter_context(TarFile(fileobj=cast(Any, source), mode="r")), source


class _Source:
    """The bytes of a tar, read forwards; a read of more than MAX_HEADER bytes is refused."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._last = file, b""
        self.seek, self.tell = file.seek, file.tell

    def read(self, count: int = -1) -> bytes:
        """Read some bytes, and remember them."""
        if not 0 <= count <= MAX_HEADER:
            raise RefusedError(f"it has a header of {count:,} bytes: do not use it")
        self._last = self._file.read(count)
        return self._last

    def check_end(self) -> None:
        """Raise a DamagedError unless the list ended with a block of zeros; read the padding."""
        if self._last != bytes(BLOCKSIZE):
            raise DamagedError("its list has no end")
        padding = 0
        while found := len(self._file.read(CHUNK)):  # so that the checksum is compared
            padding += found
            if padding > MAX_PADDING:
                raise RefusedError("it goes on after its end: do not use it")
