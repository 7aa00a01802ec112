"""Read 7z archives by the library py7zr. Imported only where py7zr is installed.

py7zr's public `extractall`, with a factory of writers too, takes 1.6 to 2.5 times as long for many
small files (LOG.md, 2026-11-27). So its parsed header and its decompressors are used, on a thread,
and the stream of all contents is cut into files here.
"""

import stat
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise, repeat, takewhile
from pathlib import Path
from typing import IO, Any, NamedTuple

from py7zr import SevenZipFile
from py7zr.exceptions import PasswordRequired, UnsupportedCompressionMethodError

from common.data.archives.members import (
    CHUNK,
    Contents,
    DamagedError,
    Listing,
    Member,
    RefusedError,
    split_stream,
)
from common.data.archives.parts import open_parts
from common.data.parallel import in_order

PLAIN_TYPES = (None, 0, stat.S_IFREG, stat.S_IFDIR)


class _Block(NamedTuple):
    """A part of the archive that is decompressed as one: its header, place, and bytes."""

    header: Any
    start: int
    packed: int
    unpacked: int


def listing(archive: Path) -> Listing:
    """List the entries of a 7z archive, in the order of their contents.

    The header of many small files takes long to read and much memory, so it is read once, and of
    it only what decompression needs is kept.
    """
    try:
        with open_parts(archive) as file, SevenZipFile(file) as opened:
            encrypted = opened.needs_password()
            members = [_member(file, encrypted) for file in opened.files]
            return Listing(members, partial(_contents, archive, members, _blocks(opened)))
    except PasswordRequired as error:
        raise RefusedError(
            f"{archive} is encrypted and was not unpacked: download it without a password"
        ) from error


def _member(file: Any, encrypted: bool) -> Member:
    return Member(
        name=file.filename,
        size=0 if file.emptystream else int(file.uncompressed),
        folder=file.is_directory,
        special=file.is_symlink or file.is_junction or file.st_fmt not in PLAIN_TYPES,
        encrypted=encrypted,
        crc=None if file.emptystream else file.crc32,
    )


def _blocks(opened: SevenZipFile) -> list[_Block]:
    streams = getattr(opened.header, "main_streams", None)
    if streams is None:  # nothing but empty files
        return []
    ends = pairwise(streams.packinfo.packpositions)
    return [
        _Block(header, opened.afterheader + start, end - start, header.get_unpack_size())
        for header, (start, end) in zip(streams.unpackinfo.folders, ends, strict=False)
    ]


def _contents(archive: Path, members: Sequence[Member], blocks: Sequence[_Block]) -> Contents:
    with open_parts(archive) as source:
        chunks = _decompressed(source, blocks)
        # One thread, for chunks follow each other: it decompresses while this one writes files.
        ahead = in_order(lambda _: next(chunks, b""), repeat(None), threads=1)
        yield from split_stream(members, takewhile(len, ahead))


def _decompressed(source: IO[bytes], blocks: Sequence[_Block]) -> Iterator[bytearray]:
    """The joined contents of all files, in chunks that are not empty."""
    for block in blocks:
        try:
            decompressor = block.header.get_decompressor(block.packed)
        except UnsupportedCompressionMethodError as error:
            raise NotImplementedError(str(error)) from error
        source.seek(block.start)
        left = block.unpacked
        while left:
            before = source.tell()
            chunk = decompressor.decompress(source, min(CHUNK, left))
            if chunk:
                left -= len(chunk)
                yield chunk
            elif source.tell() == before:
                raise DamagedError("its data end too early")
