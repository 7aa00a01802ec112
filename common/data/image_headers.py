"""Encoded image headers: format, shape and truncation checks without decoding."""

import re
import struct
import zlib

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"
GIF = b"GIF8"
BMP = b"BM"
RIFF = b"RIFF"  # WebP is one
# In a scan's data 0xFF is followed by 0 (a plain 0xFF), by a restart mark or by another 0xFF.
AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
SIZE_MARKS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
BARE_MARKS = {0x01, *range(0xD0, 0xD8)}
TEXTS = {
    b"<svg": "an SVG drawing, which has no pixels: convert it to PNG",
    b"<html": "not an image but a web page: download it again",
    b"<!doctype html": "not an image but a web page: download it again",
}
BRANDS = {
    b"avif": "an AVIF image",
    b"avis": "an AVIF image",
    b"heic": "a HEIC image",
    b"heix": "a HEIC image",
    b"hev": "a HEIC image",
    b"mif1": "a HEIF image",
    b"": "a video",
}
FLOATS = (b"PF\n", b"Pf\n", b"#?RADIANCE", b"#?RGBE")
RARE = "that is cut short or of a rare kind"
KINDS = {
    PNG: f"a PNG image {RARE}",
    JPEG: f"a JPEG image {RARE}",
    GIF: f"a GIF image {RARE}",
    BMP: f"a BMP image {RARE}",
    RIFF: f"a WebP image or a video {RARE}",
    b"II*\0": f"a TIFF or raw image {RARE}",
    b"MM\0*": f"a TIFF or raw image {RARE}",
    b"\0\0\0\x0cjP": f"a JPEG 2000 image {RARE}",
    b"\xff\x4f\xff\x51": f"a JPEG 2000 image {RARE}",
    b"\0\0\0\x0cJXL": "a JPEG XL image",
    b"\xff\x0a": "a JPEG XL image",
    b"\0\0\1\0": "an icon",
    b"8BPS": "a Photoshop file",
    b"%PDF": "a PDF file",
    b"PK\3\4": "a zip archive",
    b"\x1f\x8b": "a gzip file",
}


def declared_shape(data: bytes) -> tuple[int, int] | None:
    """Height and width that a header tells, before any rotation; None where it tells none.

    Read from PNG, JPEG, GIF, BMP and WebP: enough to know how many pixels will come out.
    """
    if data.startswith(JPEG):
        return _jpeg_shape(data)
    if len(data) < 30:
        return None
    width = height = 0
    if data.startswith(PNG):
        width, height = struct.unpack_from(">II", data, 16)
    elif data.startswith(GIF):
        width, height = struct.unpack_from("<HH", data, 6)
    elif data.startswith(BMP) and data[14] >= 40:
        width, height = map(abs, struct.unpack_from("<ii", data, 18))
    elif data.startswith(RIFF) and data[12:16] == b"VP8X":
        canvas = int.from_bytes(data[24:30], "little")
        width, height = (canvas & 0xFFFFFF) + 1, (canvas >> 24) + 1
    elif data.startswith(RIFF) and data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif data.startswith(RIFF) and data[12:16] == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    return (height, width) if height and width else None


def _jpeg_shape(data: bytes) -> tuple[int, int] | None:
    for mark, start, end in segments(data):
        if mark in SIZE_MARKS and end - start >= 5:
            height, width = struct.unpack(">HH", data[start + 1 : start + 5])
            return height, width
        if mark == 0xDA:
            return None
    return None


def fault(data: bytes) -> str:
    """What is wrong with an encoded file, or nothing: that of other kinds is left to the decoder."""
    if not data:
        return "the file is empty"
    if data.startswith(FLOATS):
        return "a picture of float values, which name no white: convert it to 8 or 16 bits"
    if data.startswith(PNG):
        return _png_fault(data)
    if data.startswith(JPEG):
        ends = any(mark == 0xD9 for mark, _, _ in segments(data))
        return "" if ends else "the JPEG is cut short (no end mark)"
    if data.startswith(GIF) and not data.rstrip(b"\0").endswith(b";"):
        return "the GIF is cut short (no end mark)"
    for name, needed in (("WebP", _webp_bytes(data)), ("BMP", _bmp_bytes(data))):
        if needed > len(data):
            return f"the {name} is cut short ({len(data):,} of {needed:,} bytes)"
    return ""


def why_undecodable(data: bytes) -> str:
    """Why the decoder made no image of a file without a fault, in a few words."""
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for mark, words in TEXTS.items():
        if start.startswith(b"<") and mark in start:
            return words
    if start.startswith(b"version https://git-lfs"):
        return "not an image but a pointer of Git LFS: `git lfs pull` fetches it"
    if kind := _kind(data):
        return f"{kind}, which OpenCV does not read: convert it to JPEG or PNG"
    return "not an image that OpenCV can decode"


def _kind(data: bytes) -> str:
    """What the first bytes say a file is; nothing when they say nothing known."""
    if data[4:8] == b"ftyp":
        return next(words for brand, words in BRANDS.items() if brand in data[8:64])
    return next((words for mark, words in KINDS.items() if data.startswith(mark)), "")


def _webp_bytes(data: bytes) -> int:
    """The bytes that a WebP's container declares; 0 for any other file."""
    if not data.startswith(RIFF) or data[8:12] != b"WEBP":
        return 0
    return 8 + int.from_bytes(data[4:8], "little")


def _bmp_bytes(data: bytes) -> int:
    """Header and pixels of a BMP that is not compressed; 0 for any other file.

    Its own field for the file's size is not asked: programs leave it 0 or wrong.
    """
    if not data.startswith(BMP) or len(data) < 34 or data[14] < 40:
        return 0
    offset, width, height = (struct.unpack_from("<i", data, at)[0] for at in (10, 18, 22))
    bits, packing = struct.unpack_from("<HI", data, 28)
    if packing not in (0, 3):
        return 0
    return int(offset + (width * bits + 31) // 32 * 4 * abs(height))


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


def segments(data: bytes) -> list[tuple[int, int, int]]:
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
