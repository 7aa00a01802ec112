"""Zip archives, by the standard library."""

import stat
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import accumulate
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from common.data.archives.pieces import open_pieces, pieces_of
from common.data.archives.safety import Member, RefusedError
from common.data.archives.writer import Listing, Steps, Writing
from common.progress import say

CHUNK = 1 << 20
END, END_SIZE, LONGEST_COMMENT = b"PK\5\6", 22, 1 << 16


def listing(archive: Path) -> Listing:
    """List the entries of a zip archive; as they are extracted, each member's CRC is checked."""
    with _opened(archive) as opened:
        members = [_member(info) for info in opened.infolist()]
    return Listing(members, partial(_extract, archive))


def _extract(archive: Path, writing: Writing) -> Steps:
    with _opened(archive) as opened:
        if any("\\" in info.filename for info in opened.infolist()):
            say(
                f"{archive} has backslashes in its names, as made on Windows: they are read as slashes"
            )
        for info in opened.infolist():
            name = _name(info)
            if name.endswith("/") or writing.is_whole(name):
                continue
            with opened.open(info) as source:
                while chunk := source.read(CHUNK):
                    writing.add(name, chunk)
                    yield


@contextmanager
def _opened(archive: Path) -> Iterator[ZipFile]:
    """The archive; of one that was written in pieces, each entry's place is told from its piece's start."""
    pieces = pieces_of(archive)
    with open_pieces(archive) as file, ZipFile(file) as opened:
        size = file.seek(0, 2)
        file.seek(max(0, size - END_SIZE - LONGEST_COMMENT))
        tail = file.read()
        at = tail.rfind(END)
        last, _, _, _, listed, offset = struct.unpack("<4H2L", tail[at + 4 : at + 20])
        if last and last != 0xFFFF:
            if last + 1 != len(pieces):
                raise RefusedError(
                    f"{archive} is the last of {last + 1} pieces of a split archive, and "
                    f"{len(pieces)} of them {'is' if len(pieces) == 1 else 'are'} here: download it again"
                )
            shift = size - len(tail) + at - listed - offset
            _put_right(opened.infolist(), pieces, shift)
        yield opened


def _put_right(entries: Sequence[ZipInfo], pieces: Sequence[Path], shift: int) -> None:
    starts = [0, *accumulate(piece.stat().st_size for piece in pieces)]
    for entry in entries:
        entry.header_offset += starts[entry.volume] - shift
        if hasattr(entry, "_end_offset"):  # newer Pythons work it out from the places as they were
            entry._end_offset = None


def _name(info: ZipInfo) -> str:
    """The name as it was packed (`filename` ends at the first NUL), with slashes."""
    name = info.filename if "\0" not in info.orig_filename else info.orig_filename
    return name.replace("\\", "/")


def _member(info: ZipInfo) -> Member:
    kind = stat.S_IFMT(info.external_attr >> 16)
    return Member(
        name=_name(info),
        size=info.file_size,
        folder=_name(info).endswith("/"),
        special=kind not in (0, stat.S_IFREG, stat.S_IFDIR),
        encrypted=bool(info.flag_bits & 1),
        crc=info.CRC,
    )
