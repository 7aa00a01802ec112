"""Every kind of file that a data set may hold: decoded as Pillow decodes it, or named in words."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps

from common.data.image_headers import declared_shape
from common.data.pixels.decode import UndecodableError, decode
from common.data.pixels.file_scan import scan_files
from common.data.pixels.store import open_store
from common.data.pixels.store_writer import _expected_bytes

HEIGHT, WIDTH = 24, 40


def scene(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Four fields of colour, one in each corner, so that no turn or mirroring looks like another."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2], pixels[: height // 2, width // 2 :] = (
        (250, 20, 20),
        (20, 250, 20),
    )
    pixels[height // 2 :, : width // 2], pixels[height // 2 :, width // 2 :] = (
        (20, 20, 250),
        (200, 200, 30),
    )
    return pixels


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


RGB = Image.fromarray(scene())
GREY = Image.fromarray(np.arange(HEIGHT * WIDTH, dtype=np.uint8).reshape(HEIGHT, WIDTH))
FADED = Image.fromarray(np.dstack([scene(), np.tile(np.uint8([0, 90]), (HEIGHT, WIDTH // 2))]))
PALETTE = RGB.convert("P", palette=Image.Palette.ADAPTIVE, colors=8)
SECOND = [Image.fromarray(255 - scene())]
FILES = {
    "grey png": (GREY, "PNG", {}),
    "grey jpeg": (GREY, "JPEG", {}),
    "grey tiff": (GREY, "TIFF", {}),
    "grey bmp": (GREY, "BMP", {}),
    "black and white png": (GREY.convert("1"), "PNG", {}),
    "grey with alpha png": (FADED.convert("LA"), "PNG", {}),
    "palette png": (PALETTE, "PNG", {}),
    "transparent palette png": (PALETTE, "PNG", {"transparency": 3}),
    "palette bmp": (PALETTE, "BMP", {}),
    "palette tiff": (PALETTE, "TIFF", {}),
    "rgba png": (FADED, "PNG", {}),
    "rgba webp": (FADED, "WEBP", {"lossless": True, "exact": True}),
    "rgba bmp": (FADED, "BMP", {}),
    "cmyk jpeg": (RGB.convert("CMYK"), "JPEG", {"quality": 95}),
    "progressive jpeg": (RGB, "JPEG", {"progressive": True}),
    "bmp": (RGB, "BMP", {}),
    "webp": (RGB, "WEBP", {"lossless": True}),
    "tiff": (RGB, "TIFF", {}),
    "compressed tiff": (RGB, "TIFF", {"compression": "tiff_lzw"}),
    "tiff of pages": (RGB, "TIFF", {"save_all": True, "append_images": SECOND}),
    "gif": (RGB, "GIF", {}),
    "interlaced gif": (RGB, "GIF", {"interlace": 1}),
    "animated gif": (RGB, "GIF", {"save_all": True, "append_images": SECOND, "duration": 100}),
    "animated webp": (
        RGB,
        "WEBP",
        {"save_all": True, "append_images": SECOND, "duration": 100, "lossless": True},
    ),
    "animated png": (RGB, "PNG", {"save_all": True, "append_images": SECOND, "duration": 100}),
}


def by_pillow(data: bytes) -> np.ndarray:
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return np.asarray(Image.alpha_composite(white, picture).convert("RGB")).astype(int)


@pytest.mark.parametrize("name", FILES)
def test_it_is_decoded_as_pillow_decodes_it(name: str) -> None:
    picture, kind, options = FILES[name]
    data = saved(picture, kind, **options)
    pixels, wanted = decode(data), by_pillow(data)
    assert pixels.shape == wanted.shape
    assert np.abs(pixels - wanted).max() <= 1  # one step of CMYK's arithmetic
    assert declared_shape(data) in (pixels.shape[:2], None)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
def test_the_header_tells_the_shape(kind: str) -> None:
    for size in ((300, 70), (1, 5)):
        assert declared_shape(saved(RGB.resize(size), kind)) == size[::-1]
    if kind == "WEBP":
        for options in ({"lossless": True}, {"save_all": True, "append_images": SECOND}):
            assert declared_shape(saved(RGB, kind, **options)) == (HEIGHT, WIDTH)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_stands_upright(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    lossless = {"lossless": True} if kind == "WEBP" else {}
    data = saved(RGB, kind, exif=exif, **lossless)
    pixels, wanted = decode(data), by_pillow(data)
    assert pixels.shape == wanted.shape == ((24, 40, 3) if orientation < 5 else (40, 24, 3))
    assert np.abs(pixels - wanted).max() <= 1


def test_sixteen_bits_become_the_upper_eight() -> None:
    deep = np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH) * 65
    for kind in ("PNG", "TIFF"):
        pixels = decode(saved(Image.fromarray(deep), kind))
        assert np.abs(pixels.astype(int) - (deep // 256)[..., None]).max() <= 1


def test_the_bytes_say_what_a_file_is_and_not_its_name(tmp_path: Path) -> None:
    names = {"a.png": "JPEG", "b.jpg": "PNG", "c.jpeg": "WEBP", "d": "BMP", "e.JPG": "GIF"}
    for name, kind in names.items():
        (tmp_path / name).write_bytes(saved(RGB, kind))
    table = pd.DataFrame({"id": list(names), "path": [str(tmp_path / name) for name in names]})
    store = open_store(table, side=0, cache=tmp_path / "cache")
    for image in store.array():
        assert np.abs(image[2::20, 2::36].astype(int) - scene()[2::20, 2::36]).max() < 12


@pytest.mark.parametrize("side", [0, 16])
def test_a_turned_photograph_takes_the_room_that_was_reckoned(side: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    (tmp_path / "turned.jpg").write_bytes(saved(RGB, "JPEG", exif=exif))
    table = pd.DataFrame({"id": ["turned"], "path": [str(tmp_path / "turned.jpg")]})
    store = open_store(table, side=side, cache=tmp_path / "cache")
    height, width, _ = store[0].shape
    assert height > width
    reckoned = _expected_bytes(scan_files(table, threads=1), side)[0]
    assert abs(reckoned - height * width * 3) < 3 * height


def container(brand: bytes) -> bytes:
    return struct.pack(">I", 24) + b"ftyp" + brand + b"\0\0\0\0mif1" + brand + b"\0" * 80


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (container(b"heic"), "a HEIC image, which OpenCV does not read"),
        (container(b"avif"), "an AVIF image, which OpenCV does not read"),
        (b"\xff\x0a" + b"\0" * 40, "a JPEG XL image"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (b"\xef\xbb\xbf<!DOCTYPE html><html>gone</html>", "not an image but a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull"),
        (saved(RGB, "ICO"), "an icon"),
        (saved(Image.fromarray(np.ones((9, 9), np.float32)), "TIFF"), "a TIFF or raw image"),
        (b"PK\3\4" + b"\0" * 40, "a zip archive"),
        (b"no image at all", "not an image that OpenCV can decode"),
        (b"", "the file is empty"),
    ],
)
def test_what_gives_no_image_is_named(data: bytes, words: str) -> None:
    with pytest.raises(UndecodableError, match=words):
        decode(data)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("GIF", "the GIF is cut short"),
        ("WEBP", "the WebP is cut short"),
        ("BMP", "the BMP is cut short"),
        ("TIFF", "cut short"),
    ],
)
def test_a_file_cut_anywhere_is_named(kind: str, words: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8))
    data = saved(noise, kind)
    whole = decode(data)
    for cut in range(40, len(data), 97):
        with pytest.raises(UndecodableError, match=words):
            decode(data[:cut])
    assert (decode(data + b"\0\0trailing") == whole).all()


def test_a_bmp_that_does_not_tell_its_size_is_whole() -> None:
    data = saved(RGB, "BMP")
    assert (decode(data[:2] + bytes(4) + data[6:]) == scene()).all()


def test_the_decoder_prints_nothing_of_its_own(tmp_path: Path, capfd: Any) -> None:
    (tmp_path / "a.gif").write_bytes(saved(RGB, "GIF")[:-40])
    table = pd.DataFrame({"id": ["a"], "path": [str(tmp_path / "a.gif")]})
    with pytest.raises(ValueError, match="the GIF is cut short"):
        open_store(table, side=0, cache=tmp_path / "cache")
    assert "OpenCV" not in capfd.readouterr().err
