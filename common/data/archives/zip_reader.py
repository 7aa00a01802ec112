"""Read zip archives by the standard library, split ones too (a.z01 and a.zip)."""

import stat
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import accumulate
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from common.data.archives.members import CHUNK, Contents, Listing, Member, RefusedError
from common.data.archives.parts import open_parts, parts_of
from common.progress import say

END, END_SIZE, MAX_COMMENT = b"PK\5\6", 22, 1 << 16


def listing(archive: Path) -> Listing:
    """List the entries of a zip archive; reading the contents checks each member's CRC."""
    with _opened(archive) as opened:
        members = [_member(info) for info in opened.infolist()]
    return Listing(members, partial(_contents, archive))


def _contents(archive: Path) -> Contents:
    with _opened(archive) as opened:
        if any("\\" in info.filename for info in opened.infolist()):
            say(f"{archive} has Windows' backslashes in its names: they are read as slashes")
        for info in opened.infolist():
            if not _name(info).endswith("/"):
                with opened.open(info) as source:
                    while chunk := source.read(CHUNK):
                        yield _name(info), chunk


@contextmanager
def _opened(archive: Path) -> Iterator[ZipFile]:
    """Open an archive; a split one counts its entries' offsets from the start of their own part."""
    parts = parts_of(archive)
    with open_parts(archive) as file, ZipFile(file) as opened:
        size = file.seek(0, 2)
        file.seek(max(0, size - END_SIZE - MAX_COMMENT))
        tail = file.read()
        end = tail.rfind(END)
        last, _, _, _, listed, offset = struct.unpack("<4H2L", tail[end + 4 : end + 20])
        if last and last != 0xFFFF:
            if last + 1 != len(parts):
                raise RefusedError(
                    f"{archive} is the last of {last + 1} parts of a split archive, and "
                    f"{len(parts)} of them {'is' if len(parts) == 1 else 'are'} here: download it again"
                )
            shift = size - len(tail) + end - listed - offset
            _correct_offsets(opened.infolist(), parts, shift)
        yield opened


def _correct_offsets(entries: Sequence[ZipInfo], parts: Sequence[Path], shift: int) -> None:
    starts = [0, *accumulate(part.stat().st_size for part in parts)]
    for entry in entries:
        entry.header_offset += starts[entry.volume] - shift
        if hasattr(entry, "_end_offset"):  # newer Pythons compute it from the wrong offsets
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
