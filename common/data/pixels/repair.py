"""Repair encoded images with all pixels but damaged metadata: a missing end marker, a wrong checksum.

Most readers open such files. Files with truncated pixel data are refused.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import cv2
import numpy as np

from common.data.image_headers import GIF, JPEG, PNG, RIFF, SIZE_MARKS, fault, segments
from common.data.pixels.flatten_alpha import UndecodableError

# Chunks of a PNG that change what is seen: with a bad checksum they cannot be left out.
SHOWN = (b"tRNS", b"eXIf")
SCAN, RESTARTS, END = 0xDA, 0xDD, b"\xff\xd9"
# Read as data of a scan, should it want more; then not all of them give the same pixels.
FILLERS = (
    b"",
    *(bytes((7 + by * at) % 251 for at in range(64)) for by in (0, 29, 53, 83, 111, 167)),
    *(bytes([value]) * 64 for value in (0x55, 0xAA, 0x33, 0xF0)),
)
HUSHED = Lock()


def repaired(data: bytes) -> tuple[bytes, str]:
    """Encoded bytes to (bytes that the decoder accepts, what was repaired or "").

    Raises:
        UndecodableError: the file is empty, altered, or cut short so that pixels are missing.
    """
    reason = fault(data)
    if not reason:
        return data, ""
    kinds = {PNG: _png, JPEG: _jpeg, GIF: _gif, RIFF: _webp}
    mend = next((mend for mark, mend in kinds.items() if data.startswith(mark)), None)
    try:
        whole = mend(data) if mend else b""
    except (IndexError, ValueError, struct.error, zlib.error):
        whole = b""
    if not whole:
        raise UndecodableError(reason)
    return whole, reason


def _png(data: bytes) -> bytes:
    """Without the notes whose checksums are wrong, and with an end; the pixels' stream must end."""
    kept, pixels, at = [PNG], zlib.decompressobj(), len(PNG)
    while at + 8 <= len(data) and data[at + 4 : at + 8] != b"IEND":
        (length,) = struct.unpack_from(">I", data, at)
        kind, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        told = data[at + 8 + length : at + 12 + length]
        right = struct.pack(">I", zlib.crc32(kind + content))
        is_note = bool(kind[:1].islower()) and kind not in SHOWN
        if len(told) == 4 and told != right and not is_note:
            return b""
        if kind == b"IDAT":
            pixels.decompress(content)
        if (len(content) == length and told == right) or kind == b"IDAT":
            kept.append(struct.pack(">I", len(content)) + kind + content + right)
        at += 12 + length
    end = struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))
    return b"".join([*kept, end]) if pixels.eof else b""


def _jpeg(data: bytes) -> bytes:
    """With its end mark, where every scan is there and the last one wants no more data."""
    data = data.rstrip(b"\xff")
    found = segments(data)
    lacking: dict[tuple[int, int], int] = {}
    for mark, start, end in found:
        if mark == RESTARTS and any(data[start:end]):
            return b""  # behind a restart mark the decoder would not ask for more
        if mark in SIZE_MARKS:
            names = data[start + 6 : start + 6 + 3 * data[start + 5] : 3]
            lacking = {(name, at): 1 for name in names for at in range(64)}
        if mark == SCAN:
            names = data[start + 1 : start + 1 + 2 * data[start] : 2]
            first, last, bits = data[end - 3 : end]
            lacking |= {(n, at): bits & 15 for n in names for at in range(first, last + 1)}
    if not lacking or any(lacking.values()) or found[-1][0] != SCAN:
        return b""
    with _hushed():
        seen = [cv2.imdecode(np.frombuffer(data + filler + END, np.uint8), 1) for filler in FILLERS]
    is_whole = (
        seen[0] is not None
        and len({None if each is None else each.tobytes() for each in seen}) == 1
    )
    return data + END if is_whole else b""


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep libjpeg, which writes to the process's stderr itself, from complaining of the fillers."""
    with HUSHED, Path(os.devnull).open("wb") as nowhere:
        kept = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _gif(data: bytes) -> bytes:
    """The first frame, where it is whole."""
    at, is_frame = 13 + _colours(data[10]), False
    while not is_frame:
        is_frame = data[at] == ord(",")
        if not is_frame and data[at] != ord("!"):
            return b""
        at += 11 + _colours(data[at + 9]) if is_frame else 2
        while data[at]:
            at += data[at] + 1
        at += 1
    return data[:at] + b";"


def _colours(flags: int) -> int:
    """Bytes of the table of colours that a GIF's flags announce."""
    return 6 << (flags & 7) if flags & 0x80 else 0


def _webp(data: bytes) -> bytes:
    """The chunks that are whole, where the pixels' is among them."""
    at, kinds = 12, []
    while at + 8 <= len(data):
        end = at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        if end > len(data):
            break
        kinds.append(data[at : at + 4])
        at = end + end % 2
    body = data[8:at].ljust(at - 8, b"\0")
    return RIFF + struct.pack("<I", len(body)) + body if {*kinds} & {b"VP8 ", b"VP8L"} else b""
