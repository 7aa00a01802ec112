"""Zip archives, by the standard library."""

import stat
from functools import partial
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from common.data.archives.safety import Member
from common.data.archives.writer import Listing, Steps, Writing

CHUNK = 1 << 20


def listing(archive: Path) -> Listing:
    """List the entries of a zip archive; as they are extracted, each member's CRC is checked."""
    with ZipFile(archive) as opened:
        members = [_member(info) for info in opened.infolist()]
    return Listing(members, partial(_extract, archive))


def _extract(archive: Path, writing: Writing) -> Steps:
    with ZipFile(archive) as opened:
        for info in opened.infolist():
            if info.is_dir() or writing.is_whole(info.filename):
                continue
            with opened.open(info) as source:
                while chunk := source.read(CHUNK):
                    writing.add(info.filename, chunk)
                    yield


def _member(info: ZipInfo) -> Member:
    kind = stat.S_IFMT(info.external_attr >> 16)
    return Member(
        # The name as it was packed: `filename` ends at the first NUL.
        name=info.filename if "\0" not in info.orig_filename else info.orig_filename,
        size=info.file_size,
        folder=info.is_dir(),
        special=kind not in (0, stat.S_IFREG, stat.S_IFDIR),
        encrypted=bool(info.flag_bits & 1),
        crc=info.CRC,
    )
