"""Encoded files to RGB pixels, and whether a file is whole.

OpenCV returns half an image for a file that was cut short, so wholeness is judged first.
"""

import re
import struct
import zlib

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"
# In a scan's data 0xFF is followed by 0 (a plain 0xFF), by a restart mark or by another 0xFF.
AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
SIZE_MARKS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
BARE_MARKS = {0x01, *range(0xD0, 0xD8)}


class UndecodableError(ValueError):
    """Why a file gives no image, in a few words."""


def decode(data: bytes, side: int = 0) -> Pixels:
    """Decode one image to RGB uint8 [H, W, 3].

    The EXIF orientation is honoured; grey and palette images get three channels, 16 bits become
    8, and an alpha channel is dropped, not blended: the colours below it come out.

    Args:
        data: an encoded file: PNG, JPEG, or whatever else OpenCV reads.
        side: the shorter side to shrink to, in pixels (never enlarged); 0 keeps the image.

    Raises:
        UndecodableError: the file is empty, cut short, altered or not an image.
    """
    if reason := _fault(data):
        raise UndecodableError(reason)
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise UndecodableError(f"not decodable: {error.err or error}") from error
    if pixels is None:
        raise UndecodableError("not an image that OpenCV can decode")
    height, width = shrunk(pixels.shape[0], pixels.shape[1], side)
    if (height, width) != pixels.shape[:2]:
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(pixels, dtype=np.uint8)


def shrunk(height: int, width: int, side: int) -> tuple[int, int]:
    """The shape after shrinking the shorter side to `side` (0: as it is; never larger)."""
    shorter = min(height, width)
    if side <= 0 or shorter <= side:
        return height, width
    return max(side, round(height * side / shorter)), max(side, round(width * side / shorter))


def declared_shape(data: bytes) -> tuple[int, int] | None:
    """Height and width from the header of a PNG or JPEG (before any rotation), else None."""
    if data.startswith(PNG) and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return height, width
    if data.startswith(JPEG):
        for mark, start, end in _segments(data):
            if mark in SIZE_MARKS and end - start >= 5:
                height, width = struct.unpack(">HH", data[start + 1 : start + 5])
                return height, width
            if mark == 0xDA:
                return None
    return None


def _fault(data: bytes) -> str:
    """What is wrong with an encoded file, or nothing. Formats but PNG and JPEG are not judged."""
    if not data:
        return "the file is empty"
    if data.startswith(PNG):
        return _png_fault(data)
    if data.startswith(JPEG):
        ends = any(mark == 0xD9 for mark, _, _ in _segments(data))
        return "" if ends else "the JPEG is cut short (no end mark)"
    return ""


def _png_fault(data: bytes) -> str:
    view, at = memoryview(data), len(PNG)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            break
        if zlib.crc32(view[at + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            return f"the PNG is altered (checksum of {data[at + 4 : at + 8]!r})"
        if data[at + 4 : at + 8] == b"IEND":
            return ""
        at = end + 4
    return "the PNG is cut short (no end chunk)"


def _segments(data: bytes) -> list[tuple[int, int, int]]:
    """A JPEG's marks (mark, start, end of its content) up to the end mark, jumping over scans.

    Thumbnails inside a segment are jumped over with it, so their end marks do not count.
    """
    found: list[tuple[int, int, int]] = []
    at = 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        mark = data[at + 1]
        if mark in (0x00, 0xFF) or mark in BARE_MARKS:
            at += 1 if mark == 0xFF else 2
            continue
        if mark == 0xD9:
            return [*found, (mark, at + 2, at + 2)]
        if at + 4 > len(data):
            break
        (length,) = struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        found.append((mark, at + 4, end))
        if mark == 0xDA:
            after = AFTER_SCAN.search(data, end)
            if after is None:
                break
            end = after.start()
        at = end
    return found
