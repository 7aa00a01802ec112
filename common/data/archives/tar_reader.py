"""Tar archives, plain or compressed by gzip, bzip2 or xz, by the standard library.

The library lists and decompresses, and we write the files, so that it cannot write where it should
not. A tar tells no checksums; a compressed one has them as a whole, and is read to its end.
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

from common.data.archives.kinds import HEAD, kind_of
from common.data.archives.pieces import open_pieces, size_of
from common.data.archives.safety import GB, MOST_RATIO, DamagedError, Member, RefusedError
from common.data.archives.writer import Listing, Steps, Writing

CHUNK = 1 << 20
LONGEST = 16 << 20  # bytes of a header: a longer one would fill the memory
BEHIND = 1 << 26  # bytes of padding after the end
OPENERS: dict[str | None, Callable[[Any], Any]] = {
    "gz": lambda file: gzip.GzipFile(fileobj=file, mode="rb"),
    "bz2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
}


def listing(archive: Path) -> Listing:
    """List the entries of a tar archive; the list ends early where they are too large already."""
    members: list[Member] = []
    left = max(GB, MOST_RATIO * size_of(archive))
    with _opened(archive) as (tar, source):
        for info in tar:
            _forget(tar)
            if info.isdir() and not info.name.strip("./"):
                continue  # the folder that was packed
            members.append(_member(info))
            left -= info.size
            if left < 0:
                break
        else:
            source.check_end()
    return Listing(members, partial(_extract, archive))


def is_tar(archive: Path) -> bool:
    """Does a compressed file hold a tar?"""
    with open_pieces(archive) as raw:
        opener = OPENERS.get(kind_of(raw.read(HEAD)))
        raw.seek(0)
        try:
            return opener is not None and kind_of(opener(raw).read(HEAD)) == "tar"
        except (OSError, EOFError, lzma.LZMAError):
            return False


def _extract(archive: Path, writing: Writing) -> Steps:
    with _opened(archive) as (tar, source):
        for info in tar:
            _forget(tar)
            file = tar.extractfile(info) if info.isreg() and info.size else None
            while file and (chunk := file.read(CHUNK)):
                writing.add(info.name, chunk)
                yield
        source.check_end()


def _forget(tar: TarFile) -> None:
    """Let go of the entries so far: the library would keep all of them."""
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
        raw = stack.enter_context(open_pieces(archive))
        opener = OPENERS.get(kind_of(raw.read(HEAD)))
        raw.seek(0)
        source = _Source(stack.enter_context(opener(raw)) if opener else raw)
        yield stack.enter_context(TarFile(fileobj=cast(Any, source), mode="r")), source


class _Source:
    """The bytes of a tar, which is read forwards, and never much of it at once."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._last = file, b""
        self.seek, self.tell = file.seek, file.tell

    def read(self, count: int = -1) -> bytes:
        """Read some bytes, and remember them."""
        if not 0 <= count <= LONGEST:
            raise RefusedError(f"it has a header of {count:,} bytes: do not use it")
        self._last = self._file.read(count)
        return self._last

    def check_end(self) -> None:
        """Raise a DamagedError unless the list ended with the archive's mark; read what is behind."""
        if self._last != bytes(BLOCKSIZE):
            raise DamagedError("its list has no end")
        behind = 0
        while found := len(self._file.read(CHUNK)):  # so that the checksum is compared
            behind += found
            if behind > BEHIND:
                raise RefusedError("it goes on after its end: do not use it")
