"""Encoded files to RGB pixels.

OpenCV returns half an image for a truncated file, so truncation is checked first. A damaged file with
all its pixels is repaired (`common.data.pixels.repair`).
"""

import cv2
import numpy as np

from common.data.image_headers import why_undecodable
from common.data.pixels.channels import ALPHA, DEEP, channels
from common.data.pixels.flatten_alpha import FILE_BITS, Pixels, UndecodableError, flattened
from common.data.pixels.repair import repaired

__all__ = ["Pixels", "UndecodableError", "decode", "shrunk"]


def decode(data: bytes, side: int = 0, *, bits: int = FILE_BITS) -> Pixels:
    """Decode one image to RGB uint8 [H, W, 3].

    The bytes say what it is, not the file's name. The EXIF orientation is honoured; grey, palette
    and CMYK images get three channels, more than 8 bits become 8, and of an animation the first
    frame comes out. What is transparent shows white.

    Args:
        data: an encoded file: PNG, JPEG, WebP, GIF, BMP, TIFF, or whatever else OpenCV reads.
        side: the shorter side to shrink to, in pixels (never enlarged); 0 keeps the image.
        bits: 8 to 16, what the values of a file of more than 8 bits need: larger ones are cut off.

    Raises:
        UndecodableError: the file is empty, cut short, altered in its pixels, of a kind that OpenCV does not
            read, not an image, or one whose values name no brightness.
    """
    data, _ = repaired(data)
    try:
        if (flags := channels(data)) & (ALPHA | DEEP):
            pixels = flattened(data, flags, bits)
        else:
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise UndecodableError(f"not decodable: {error.err or error}") from error
    if pixels is None:
        raise UndecodableError(why_undecodable(data))
    height, width = shrunk(pixels.shape[0], pixels.shape[1], side)
    if (height, width) != pixels.shape[:2]:
        pixels = _resized(pixels, height, width)
    return np.ascontiguousarray(pixels, dtype=np.uint8)


def _resized(pixels: Pixels, height: int, width: int) -> Pixels:
    """Pillow's bilinear filter, as backbones saw it in their training, by torch's kernel for bytes.

    It takes a fifth of the time of Pillow's own, and of OpenCV's average over areas.
    """
    from torch import from_numpy
    from torch.nn.functional import interpolate

    # In this order the strides say that the channels are last, and the fast kernel is taken.
    whole = from_numpy(pixels)[None].permute(0, 3, 1, 2)
    small = interpolate(whole, size=(height, width), mode="bilinear", antialias=True)
    resized: Pixels = small[0].permute(1, 2, 0).numpy()
    return resized


def shrunk(height: int, width: int, side: int) -> tuple[int, int]:
    """The shape after shrinking the shorter side to `side` (0: as it is; never larger)."""
    shorter = min(height, width)
    if side <= 0 or shorter <= side:
        return height, width
    return max(side, round(height * side / shorter)), max(side, round(width * side / shorter))
