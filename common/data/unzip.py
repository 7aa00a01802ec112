"""Zip archives, by the standard library."""

import stat
from collections.abc import Generator
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from common.data.members import Member
from common.data.writing import Writing

CHUNK = 1 << 20


def members(archive: Path) -> list[Member]:
    """List the entries of a zip archive."""
    with ZipFile(archive) as opened:
        return [_member(info) for info in opened.infolist()]


def extract(archive: Path, writing: Writing) -> Generator[None, None, None]:
    """Hand every file's bytes to `writing`, a chunk a step; each member's CRC is checked."""
    with ZipFile(archive) as opened:
        for info in opened.infolist():
            if info.is_dir():
                continue
            with opened.open(info) as source:
                while chunk := source.read(CHUNK):
                    writing.add(info.filename, chunk)
                    writing.count(len(chunk))
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
    )
