"""Encoded files to RGB pixels, and the judgement whether a file is whole."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image
from toy_files import encode, picture

from common.data.image_headers import declared_shape
from common.data.pixels.decode import UndecodableError, decode
from common.data.pixels.repair import repaired


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_grey_palette_alpha_and_sixteen_bits_all_become_rgb() -> None:
    rgb = picture()
    assert (decode(encode(rgb[..., 0])) == rgb[..., :1]).all()
    alpha = np.dstack([rgb, np.zeros((12, 16), np.uint8)])
    assert (decode(encode(alpha)) == 255).all(), "what is transparent shows white"
    deep = rgb.astype(np.uint16) * 257
    assert (decode(encode(deep)) == rgb).all()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 8, 3, 0, 0, 0))
    palette = chunk(b"PLTE", bytes([10, 20, 30, 200, 100, 0]))
    body = chunk(b"IDAT", zlib.compress(b"\0\1\0"))
    png = b"\x89PNG\r\n\x1a\n" + header + palette + body + chunk(b"IEND", b"")
    assert decode(png).tolist() == [[[200, 100, 0], [10, 20, 30]]]


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_decoded_pixels_are_writable_as_torch_wants_them(suffix: str) -> None:
    rgb = picture()
    clear = np.dstack([rgb, np.full((12, 16), 90, np.uint8)])
    for pixels in (rgb[..., 0], rgb, clear, rgb[..., 0].astype(np.uint16) * 257):
        assert decode(encode(pixels, suffix)).flags.writeable


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".tiff"])
def test_red_comes_out_red(suffix: str) -> None:
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 250
    data = encode(red, suffix)
    assert np.abs(decode(data).astype(int) - red).max() < 8
    assert declared_shape(data) in ((16, 16), None)


@pytest.mark.parametrize("big_endian", [True, False])
def test_a_photograph_taken_sideways_stands_upright(big_endian: bool) -> None:
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :16] = 255
    mark, order = (b"MM\0*", ">") if big_endian else (b"II*\0", "<")
    # One entry: orientation (0x112), a short, once, 6: turn by 90 degrees clockwise.
    entry = struct.pack(order + "IHHHIHHI", 8, 1, 0x112, 3, 1, 6, 0, 0)
    exif = b"Exif\0\0" + mark + entry
    jpeg = encode(pixels, ".jpg")
    turned = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]
    upright = decode(turned)
    assert upright.shape == (32, 16, 3)
    assert upright[:14].min() > 240
    assert upright[18:].max() < 15


@pytest.mark.parametrize("progressive", [0, 1])
def test_a_jpeg_cut_anywhere_is_refused_and_bytes_after_its_end_are_not(progressive: int) -> None:
    flag = [cv2.IMWRITE_JPEG_PROGRESSIVE, progressive, cv2.IMWRITE_JPEG_RST_INTERVAL, 2]
    jpeg = bytes(cv2.imencode(".jpg", picture(40, 40), flag)[1])
    thumbnail = encode(picture(), ".jpg")
    # A whole thumbnail inside: its end mark says nothing about the picture.
    holder = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    jpeg = jpeg[:2] + holder + jpeg[2:]
    whole = decode(jpeg)
    assert declared_shape(jpeg) == (40, 40)
    for cut in range(1, len(jpeg), 7):
        with pytest.raises(UndecodableError):
            decode(jpeg[:cut])
    assert (decode(jpeg + b"\0\xff\xda trailing") == whole).all()


def test_a_png_cut_or_altered_in_its_pixels_is_refused_and_bytes_after_its_end_are_not() -> None:
    png = encode(picture())
    whole = decode(png)
    for at in range(1, len(png) - 16, 7):
        with pytest.raises(UndecodableError):
            decode(png[:at])
        altered = bytearray(png)
        altered[at] ^= 0x10
        with pytest.raises(UndecodableError):
            decode(bytes(altered))
    assert (decode(png + b"trailing") == whole).all()


def test_an_image_is_shrunk_as_pillow_shrinks_it() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)
    data = cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()
    pillow = Image.fromarray(pixels).resize((30, 20), Image.Resampling.BILINEAR)
    found = decode(data, 20).astype(int)
    assert np.abs(found - np.asarray(pillow)).max() <= 1


def noted(png: bytes, *, right: bool) -> bytes:
    """A PNG with a note whose checksum is right or wrong."""
    note = b"tEXtComment\0hello"
    return (
        png[:33]
        + struct.pack(">I", 13)
        + note
        + struct.pack(">I", zlib.crc32(note) ^ (not right))
        + png[33:]
    )


def test_a_file_that_lacks_no_pixel_is_read_and_one_that_does_is_not() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 56, 3), np.uint8)
    pixels = cv2.GaussianBlur(noise, (15, 15), 0)
    png = encode(pixels)
    spare = {".jpg": 2, ".png": 16, ".gif": 1, ".webp": 0}
    for suffix, least in spare.items():
        data = encode(pixels, suffix)
        whole, read = decode(data), 0
        for cut in range(1, 90):
            try:
                assert (decode(data[:-cut]) == whole).all(), (suffix, cut)
                read += 1
            except UndecodableError as error:
                assert cut > least, (suffix, cut)
                assert "cut short" in str(error)
        assert read <= least + 1, suffix
    assert (decode(noted(png, right=False)) == pixels).all()
    assert repaired(noted(png, right=True)) == (noted(png, right=True), "")
    assert repaired(noted(png, right=False)) == (png, "the PNG is altered (checksum of b'tEXt')")
