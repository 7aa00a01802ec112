"""Images with alpha or more than 8 bits to 8-bit RGB: alpha composited on white, top 8 bits kept.

The top eight bits are counted from the bits
that the images of a data set need (`common.data.pixels.bit_depth`), not from the 16 of the file.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from common.data.image_headers import PNG
from common.data.pixels.channels import (
    ALPHA,
    ASSOCIATED,
    DEEP,
    EXTRA,
    PHOTOMETRIC,
    TIFFS,
    orientation,
    png_chunk,
    tiff_tags,
)
from common.errors import KitError

Pixels = npt.NDArray[np.uint8]
Values = npt.NDArray[Any]  # uint8 or uint16
FILE_BITS = 16  # of a file of more than 8 bits: the most, and what OpenCV makes of it
# By the orientation of EXIF: are rows and columns swapped, and which are mirrored then?
TURNS = {
    1: (False, 1, 1),
    2: (False, 1, -1),
    3: (False, -1, -1),
    4: (False, -1, 1),
    5: (True, 1, 1),
    6: (True, 1, -1),
    7: (True, -1, -1),
    8: (True, -1, 1),
}


class UndecodableError(KitError):
    """Why a file gives no image, in a few words."""


@dataclass(frozen=True)
class Planes:
    """An image as its file holds it, but for the order of colours and the camera's turn.

    Attributes:
        colours: uint8 or uint16 [H, W, 1 or 3], RGB; larger is brighter.
        alpha: of the same type [H, W], or None.
        multiplied: the colours are what they are on black.
    """

    colours: Values
    alpha: Values | None
    multiplied: bool


def flattened(data: bytes, flags: int, bits: int) -> Pixels | None:
    """The image on white, uint8 [H, W, 3] in RGB and upright; None where OpenCV gives none.

    Args:
        data: an encoded file.
        flags: what `channels` says of it: `ALPHA`, `DEEP` or both.
        bits: 8 to 16, what the values of a deep file need; larger values are cut off.

    Raises:
        UndecodableError: values that name no brightness, or an alpha channel that OpenCV drops.
    """
    planes = _planes(data, flags)
    if planes is None:
        return None
    colours, white_is_zero = planes.colours, False
    if colours.dtype == np.uint8:
        bits = 8
    elif flags & DEEP:
        white_is_zero = tiff_tags(data).get(PHOTOMETRIC) == (0,)  # of 8 bits OpenCV sees to it
    else:
        bits = _avif_bits(data)
    white = (1 << bits) - 1
    colours = np.minimum(colours, white)
    if white_is_zero:
        colours = white - colours
    if planes.alpha is not None:
        colours = _on_white(colours, planes.alpha, white, multiplied=planes.multiplied)
    eight = (colours >> (bits - 8)).astype(np.uint8)
    if eight.shape[2] == 1:
        eight = np.broadcast_to(eight, (*eight.shape[:2], 3))
    return np.ascontiguousarray(eight)  # a broadcast of three colours would be a read-only view


def largest_value(data: bytes, flags: int) -> int:
    """The largest value that shows in a deep file; 0 where none can be read."""
    try:
        planes = _planes(data, flags)
    except (UndecodableError, cv2.error):
        planes = None
    if planes is None:
        return 0  # it is named when it is decoded
    shown = planes.colours if planes.alpha is None else planes.colours[planes.alpha > 0]
    return int(shown.max(initial=0))


def _planes(data: bytes, flags: int) -> Planes | None:
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None:
        return None
    values = _unsigned(found if found.ndim == 3 else found[..., None])
    values = _upright(values, 1 if data.startswith(TIFFS) else orientation(data))
    colours, alpha = values[..., :1], None
    if values.shape[2] >= 3:
        colours = values[..., 2::-1]
    if flags & ALPHA:
        alpha = values[..., 3] if values.shape[2] == 4 else _keyed(data, values)
    extra = tiff_tags(data).get(EXTRA, (0,))[0]
    multiplied = extra == ASSOCIATED or (extra > 0 and values.dtype == np.uint8)  # libtiff did it
    return Planes(colours, alpha, multiplied)


def _unsigned(values: Values) -> Values:
    """The values as uint8 or uint16, unless they are of another kind."""
    if values.dtype in (np.int8, np.int16):
        if (low := int(values.min())) < 0:
            raise UndecodableError(
                f"a TIFF of signed values, down to {low}, which name no black: shift them to 0 and up"
            )
        return values.view(f"u{values.dtype.itemsize}")
    if values.dtype not in (np.uint8, np.uint16):
        raise UndecodableError(
            f"a TIFF or raw image of {values.dtype} values, which name no white: convert it to 8 or "
            "16 bits"
        )
    return values


def _upright(values: Values, turn: int) -> Values:
    swapped, down, right = TURNS[turn]
    return (values.swapaxes(0, 1) if swapped else values)[::down, ::right]


def _keyed(data: bytes, values: Values) -> Values | None:
    """The alpha channel of a grey PNG whose chunk tRNS names one transparent value."""
    if data.startswith(TIFFS):
        raise UndecodableError(
            "a TIFF of grey or palette colours with an alpha channel, which OpenCV does not read: "
            "convert it to PNG"
        )
    key = png_chunk(data, b"tRNS") if data.startswith(PNG) and data[25] == 0 else b""
    if len(key) != 2 or values.shape[2] != 1:
        return None
    most = np.iinfo(values.dtype).max
    shown = int.from_bytes(key, "big")
    if data[24] < 8:  # OpenCV spreads 1, 2 and 4 bits over the eight
        shown *= most // ((1 << data[24]) - 1)
    return np.where(values[..., 0] == shown, 0, most).astype(values.dtype)


def _on_white(colours: Values, alpha: Values, white: int, *, multiplied: bool) -> Values:
    """Colours [H, W, C] of 0 to `white` before a white ground."""
    # An alpha channel may have all of the file's bits where the colours have fewer.
    opaque = white if int(alpha.max(initial=0)) <= white else (1 << FILE_BITS) - 1
    wide: Any = np.uint16 if opaque < 256 else np.uint32  # opaque² still fits
    share: Values = alpha.astype(wide)[..., None]
    if multiplied:
        ground = ((opaque - share) * wide(white) + wide(opaque // 2)) // wide(opaque)
        return np.minimum(colours + ground, white)
    mixed = colours * share + (opaque - share) * wide(white)
    return (mixed + wide(opaque // 2)) // wide(opaque)


def _avif_bits(data: bytes) -> int:
    """The bits of an AVIF's first channel, as its box `pixi` says."""
    at = data.find(b"pixi")
    return data[at + 9] if at >= 0 and data[at + 9] in (8, 10, 12) else FILE_BITS
