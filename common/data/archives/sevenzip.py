"""7z archives, by the library py7zr. Imported only where py7zr is installed.

py7zr's own `extractall` spends half its time around each file (150 µs a file: 22 s for 60,000
small images, 10 s here). So its parsed header and its decompressors are used, on a thread, and
the stream of all contents is cut into files by us, their CRCs checked.
"""

import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

from py7zr import SevenZipFile
from py7zr.exceptions import PasswordRequired, UnsupportedCompressionMethodError

from common.data.archives.pieces import open_pieces
from common.data.archives.safety import DamagedError, Member, RefusedError
from common.data.archives.writer import Listing, Steps, Writing
from common.data.parallel import in_order

CHUNK = 1 << 20
PLAIN_KINDS = (None, 0, stat.S_IFREG, stat.S_IFDIR)


def listing(archive: Path) -> Listing:
    """List the entries of a 7z archive, in the order of their contents.

    The header of many small files takes long to read and much memory, so it is read once, and of
    it only what decompression needs is kept.
    """
    try:
        with open_pieces(archive) as file, SevenZipFile(file) as opened:
            encrypted = opened.needs_password()
            members = [_member(file, encrypted) for file in opened.files]
            return Listing(members, partial(_extract, archive, _blocks(opened)))
    except PasswordRequired as error:
        raise RefusedError(
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


@dataclass(frozen=True)
class _Block:
    """A part of the archive that is decompressed as one: its header, place, and bytes."""

    header: Any
    at: int
    packed: int
    size: int


def _blocks(opened: SevenZipFile) -> list[_Block]:
    streams = getattr(opened.header, "main_streams", None)
    if streams is None:  # nothing but empty files
        return []
    ends = pairwise(streams.packinfo.packpositions)
    return [
        _Block(block, opened.afterheader + at, end - at, block.get_unpack_size())
        for block, (at, end) in zip(streams.unpackinfo.folders, ends, strict=False)
    ]


def _extract(archive: Path, blocks: Sequence[_Block], writing: Writing) -> Steps:
    blocks, files = _unfinished(blocks, writing)
    try:
        with open_pieces(archive) as source:
            # One thread: pieces follow each other. It decompresses while this one writes files.
            yield from writing.pour(files, in_order(_read, _pieces(source, blocks), threads=1))
    except UnsupportedCompressionMethodError as error:
        raise NotImplementedError(str(error)) from error


def _unfinished(blocks: Sequence[_Block], writing: Writing) -> tuple[list[_Block], list[Member]]:
    """The blocks that hold a file not yet written, and all files in them.

    Of a block nothing can be had but from its beginning, and most archives are one block.
    """
    files = iter(writing.files())
    needed: list[_Block] = []
    within: list[Member] = []
    for block in blocks:
        its: list[Member] = []
        size = 0
        while size < block.size and (file := next(files, None)):
            its.append(file)
            size += file.size
        if size != block.size or not all(writing.is_whole(file.name) for file in its):
            needed.append(block)
            within += its
    return needed, [*within, *files]


@dataclass(frozen=True)
class _Piece:
    """The next `count` bytes of a block; its first piece begins at `start` of the file."""

    decompressor: Any
    source: IO[bytes]
    start: int | None
    count: int


def _pieces(source: IO[bytes], blocks: Sequence[_Block]) -> Iterator[_Piece]:
    for block in blocks:
        decompressor = block.header.get_decompressor(block.packed)
        for done in range(0, block.size, CHUNK):
            count = min(CHUNK, block.size - done)
            yield _Piece(decompressor, source, None if done else block.at, count)


def _read(piece: _Piece) -> bytearray:
    """Exactly the bytes that a piece promises."""
    if piece.start is not None:
        piece.source.seek(piece.start)
    content = bytearray()
    while len(content) < piece.count:
        before = piece.source.tell()
        more = piece.decompressor.decompress(piece.source, piece.count - len(content))
        if not more and piece.source.tell() == before:
            raise DamagedError("its data end too early")
        content += more
    return content
