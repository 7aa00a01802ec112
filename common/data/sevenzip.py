"""7z archives, by the library py7zr. Imported only where py7zr is installed.

py7zr's own `extractall` spends half its time around each file (150 µs a file: 22 s for 60,000
small images, 10 s here). So its parsed header and its decompressors are used, on a thread, and
the stream of all contents is cut into files by us, their CRCs checked.
"""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from py7zr import SevenZipFile
from py7zr.exceptions import PasswordRequired, UnsupportedCompressionMethodError

from common.data.members import Damaged, Member, Refused
from common.data.parallel import in_order
from common.data.writing import Writing

CHUNK = 1 << 20
PLAIN_KINDS = (None, 0, stat.S_IFREG, stat.S_IFDIR)


def members(archive: Path) -> list[Member]:
    """List the entries of a 7z archive, in the order of their contents."""
    try:
        with SevenZipFile(archive) as opened:
            encrypted = opened.needs_password()
            return [_member(file, encrypted) for file in opened.files]
    except PasswordRequired as error:
        raise Refused(
            f"{archive} is encrypted and was not unpacked: download it without a password"
        ) from error


def _member(file: Any, encrypted: bool) -> Member:
    return Member(
        name=file.filename,
        size=0 if file.emptystream else int(file.uncompressed),
        folder=file.is_directory,
        special=file.is_symlink or file.is_junction or file.st_fmt not in PLAIN_KINDS,
        encrypted=encrypted,
        crc=None if file.emptystream else file.crc32,
    )


def extract(archive: Path, writing: Writing) -> None:
    """Hand the stream of all contents to `writing`, which checks the CRCs."""
    try:
        with SevenZipFile(archive) as opened:
            # One thread: blocks follow each other; it decompresses while this one writes files.
            writing.pour(in_order(_read, _pieces(opened), threads=1))
    except UnsupportedCompressionMethodError as error:
        raise NotImplementedError(str(error)) from error


def _pieces(opened: SevenZipFile) -> Iterator[tuple[Any, Any, int]]:
    """Decompressor, file and byte count of each piece of each block, in order."""
    streams = opened.header.main_streams
    if streams is None:
        return
    positions = streams.packinfo.packpositions
    first = 0
    for block in streams.unpackinfo.folders:
        last = first + len(block.packed_streams)
        start, end = opened.afterheader + positions[first], opened.afterheader + positions[last]
        decompressor = block.get_decompressor(end - start)
        source = _Range(opened.fp, start, end)
        size = block.get_unpack_size()
        for at in range(0, size, CHUNK):
            yield decompressor, source, min(CHUNK, size - at)
        first = last


def _read(piece: tuple[Any, Any, int]) -> bytearray:
    """Exactly the bytes that a piece promises."""
    decompressor, source, count = piece
    content = bytearray()
    while len(content) < count:
        before = source.tell()
        content += decompressor.decompress(source, count - len(content))
        if not content and source.tell() == before:
            raise Damaged("its data end too early")
    return content
