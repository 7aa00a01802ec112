"""An encoded file's channels from its header: alpha, more than 8 bits, extra bands."""

import re
import struct

from common.data.image_headers import BMP, GIF, JPEG, PNG, RIFF

# Bits of what `channels` returns.
ALPHA, DEEP, BANDS = 1, 2, 4
TIFFS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
JPEG_2000 = (b"\0\0\0\x0cjP", b"\xff\x4f\xff\x51")
# A GIF's graphic control whose lowest bit says that one of the colours is transparent.
GIF_TRANSPARENT = re.compile(rb"!\xf9\x04[\x01\x03\x05\x07\x09\x0b\x0d\x0f\x11\x13]")
PNM = re.compile(rb"P[2356]\s(?:#[^\n]*\n|\s)*\d+(?:#[^\n]*\n|\s)+\d+(?:#[^\n]*\n|\s)+(\d+)\s")
PAM_DEEP, PAM_ALPHA = re.compile(rb"MAXVAL\s+0*(?:25[6-9]|2[6-9]\d|[3-9]\d\d|\d{4,})"), b"_ALPHA"
AVIF_ALPHA = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha"
# TIFF tags, and the samples that a photometric interpretation needs.
BITS, PHOTOMETRIC, ORIENTATION, SAMPLES, EXTRA, SIGNS = 258, 262, 274, 277, 338, 339
COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3}
ASSOCIATED, UNASSOCIATED = 1, 2
UNSIGNED = {1, 4}

Tags = dict[int, tuple[int, ...]]


def channels(data: bytes) -> int:
    """`ALPHA`, `DEEP` (more than 8 bits a value, or signed) and `BANDS` (beyond colours), or'ed.

    It may promise an alpha channel that the decoder does not find, and never hides one.
    """
    if data.startswith(b"P"):
        return _of_pnm(data[:4096])
    if data.startswith(JPEG) or len(data) < 30:
        return 0
    if data.startswith(PNG):
        return ALPHA * _png_alpha(data) | DEEP * (data[24] == 16)
    if data.startswith(TIFFS):
        return _of_tiff(tiff_tags(data))
    if data.startswith(JPEG_2000):
        return _of_jpeg_2000(data)
    alpha = (
        (data.startswith(GIF) and GIF_TRANSPARENT.search(data) is not None)
        or (data.startswith(RIFF) and _webp_alpha(data))
        or (data.startswith(BMP) and _bmp_alpha(data))
        or (data[4:8] == b"ftyp" and AVIF_ALPHA in data)
    )
    return ALPHA * alpha


def orientation(data: bytes) -> int:
    """How the camera was held, as EXIF tells in a PNG or a WebP: 1 (upright) to 8."""
    exif = b""
    if data.startswith(PNG):
        exif = png_chunk(data, b"eXIf")
    elif data.startswith(RIFF) and data[12:16] == b"VP8X":
        at = 12
        while at + 8 <= len(data) and data[at : at + 4] != b"EXIF":
            at += 8 + (int.from_bytes(data[at + 4 : at + 8], "little") + 1) // 2 * 2
        exif = data[at + 8 :].removeprefix(b"Exif\0\0")
    found = tiff_tags(exif).get(ORIENTATION, (1,))[0]
    return found if 1 <= found <= 8 else 1


def png_chunk(data: bytes, kind: bytes) -> bytes:
    """The content of a PNG's first chunk of a kind, empty where it has none."""
    at = len(PNG)
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == kind:
            return data[at + 8 : end]
        at = end + 4
    return b""


def tiff_tags(data: bytes) -> Tags:
    """The whole numbers (SHORT, LONG) of the first directory of a TIFF, or of EXIF, by tag."""
    if not data.startswith(TIFFS):
        return {}
    order, big = "<>"[data[:1] == b"M"], data[:4] in TIFFS[2:]
    count, size, number = ("Q", 20, "Q") if big else ("H", 12, "I")
    found: Tags = {}
    try:
        (at,) = struct.unpack_from(order + number, data, 8 if big else 4)
        (entries,) = struct.unpack_from(order + count, data, at)
        first = at + struct.calcsize(count)
        for entry in range(first, first + size * min(entries, 4096), size):
            tag, kind, held = struct.unpack_from(order + "HH" + number, data, entry)
            form = {3: "H", 4: "I"}.get(kind)
            if form is None or held > 4096:
                continue
            place = entry + 4 + struct.calcsize(number)
            if struct.calcsize(form) * held > struct.calcsize(number):
                (place,) = struct.unpack_from(order + number, data, place)
            found[tag] = struct.unpack_from(f"{order}{held}{form}", data, place)
    except struct.error:  # cut short: the decoder says so
        return found
    return {tag: values for tag, values in found.items() if values}


def _of_tiff(tags: Tags) -> int:
    samples, extra = tags.get(SAMPLES, (1,))[0], tags.get(EXTRA, ())
    alphas = sum(each in (ASSOCIATED, UNASSOCIATED) for each in extra[:1])
    colours = COLOURS.get(tags.get(PHOTOMETRIC, (1,))[0], samples)
    deep = max(tags.get(BITS, (1,))) > 8 or not {*tags.get(SIGNS, (1,))} <= UNSIGNED
    return ALPHA * bool(alphas) | DEEP * deep | BANDS * (samples > colours + alphas)


def _of_jpeg_2000(data: bytes) -> int:
    at = data.find(b"\xff\x51")
    if at < 0 or at + 41 > len(data):
        return 0
    (count,) = struct.unpack_from(">H", data, at + 38)
    return ALPHA * (count in (2, 4)) | DEEP * ((data[at + 40] & 0x7F) + 1 > 8)


def _of_pnm(start: bytes) -> int:
    if start.startswith(b"P7"):
        head = start.split(b"ENDHDR")[0]
        return ALPHA * (PAM_ALPHA in head) | DEEP * (PAM_DEEP.search(head) is not None)
    found = PNM.match(start)
    return DEEP * (found is not None and int(found[1]) > 255)


def _png_alpha(data: bytes) -> bool:
    return data[25] in (4, 6) or b"tRNS" in data[: data.find(b"IDAT")]


def _webp_alpha(data: bytes) -> bool:
    if data[12:16] == b"VP8X":
        return bool(data[20] & 0x10)
    return data[12:16] == b"VP8L" and bool(data[24] & 0x10)


def _bmp_alpha(data: bytes) -> bool:
    """Only a mask says that the fourth byte is one: elsewhere readers take it for nothing."""
    packing = data[30] if len(data) >= 70 else 0
    return data[14] >= 56 and packing in (3, 6) and any(data[66:70])
