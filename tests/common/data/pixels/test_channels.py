"""Alpha channels and values of more than 8 bits: what a network sees of them, and what is said."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from toy_files import encode, zipped

from common.data.archives.open_data import open_folder
from common.data.pixels.channels import ALPHA, DEEP, channels
from common.data.pixels.conversion_report import conversions, pixel_problems
from common.data.pixels.decode import UndecodableError, decode
from common.data.pixels.store import Store, _digest, open_store

RAMP = np.linspace(0, 1, 24 * 32).reshape(24, 32)


def tiff(
    pixels: np.ndarray, *, photometric: int = 1, extra: int | None = None, signs: int = 1
) -> bytes:
    """A plain TIFF of one strip, little-endian; pixels [H, W, S]."""
    height, width, samples = pixels.shape
    raw = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    bits = 8 * pixels.dtype.itemsize
    fields: list[tuple[int, str, list[int]]] = [
        (256, "I", [width]),
        (257, "I", [height]),
        (258, "H", [bits] * samples),
        (259, "H", [1]),
        (262, "H", [photometric]),
        (273, "I", [0]),
        (277, "H", [samples]),
        (278, "I", [height]),
        (279, "I", [len(raw)]),
        *([(338, "H", [extra])] if extra is not None else []),
        (339, "H", [signs] * samples),
    ]
    behind = 8 + 2 + 12 * len(fields) + 4
    start = behind + sum(
        len(v) * struct.calcsize(f) for _, f, v in fields if len(v) * struct.calcsize(f) > 4
    )
    head, tail = struct.pack("<4sIH", b"II*\0", 8, len(fields)), b""
    for tag, form, values in fields:
        data = struct.pack(f"<{len(values)}{form}", *([start] if tag == 273 else values))
        head += struct.pack("<HHI", tag, {"H": 3, "I": 4}[form], len(values))
        head += data.ljust(4, b"\0") if len(data) <= 4 else struct.pack("<I", behind + len(tail))
        tail += data if len(data) > 4 else b""
    return head + bytes(4) + tail + raw


def with_key(png: bytes, key: bytes) -> bytes:
    """A PNG with a chunk tRNS before its pixels."""
    at = png.index(b"IDAT") - 4
    chunk = (
        struct.pack(">I4s", len(key), b"tRNS") + key + struct.pack(">I", zlib.crc32(b"tRNS" + key))
    )
    return png[:at] + chunk + png[at:]


def stored(folder: Path, files: dict[str, bytes], **options: Any) -> Store:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    table = pd.DataFrame({"id": [*files], "path": [str(folder / name) for name in files]})
    return open_store(table, side=0, cache=folder / "cache", **options)


def grey(bits: int, share: float = 1.0) -> np.ndarray:
    """A ramp from 0 to a share of the largest value of so many bits, uint16."""
    return np.round(RAMP * share * ((1 << bits) - 1)).astype(np.uint16)


@pytest.mark.parametrize("kind", [".png", ".tiff", ".webp"])
def test_an_opaque_alpha_channel_changes_no_byte(kind: str) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (9, 11, 3), np.uint8)
    lossless = [cv2.IMWRITE_WEBP_QUALITY, 101] if kind == ".webp" else []
    opaque = cv2.imencode(
        kind, np.dstack([rgb[..., ::-1], np.full((9, 11), 255, np.uint8)]), lossless
    )
    assert (decode(opaque[1].tobytes()) == rgb).all()


def test_shapes_drawn_in_alpha_alone_show_before_white() -> None:
    shape = np.zeros((16, 16), np.uint8)
    shape[4:9, 3:12] = 255
    for drawn in (np.dstack([shape * 0] * 3 + [shape]), np.dstack([shape * 0, shape])):
        file = io.BytesIO()
        Image.fromarray(drawn, "RGBA" if drawn.shape[2] == 4 else "LA").save(file, "PNG")
        assert (decode(file.getvalue()) == 255 - shape[..., None]).all()


@pytest.mark.parametrize("extra", [1, 2])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiff_with_alpha_is_composited_whether_its_colours_are_multiplied_or_not(
    extra: int, dtype: type
) -> None:
    most = np.iinfo(dtype).max
    rgb, alpha = np.array([most, most // 2, 0]), most // 4
    held = rgb * alpha // most if extra == 1 else rgb
    data = tiff(np.full((2, 2, 4), [*held, alpha], dtype), photometric=2, extra=extra)
    assert np.abs(decode(data).astype(int) - [255, 223, 191]).max() <= 1


def test_a_fourth_band_that_is_no_alpha_is_dropped_and_said(tmp_path: Path) -> None:
    pixels = np.full((2, 2, 4), [10, 20, 30, 0], np.uint8)
    store = stored(tmp_path, {"a.tif": tiff(pixels, photometric=2, extra=0)})
    assert store[0].tolist() == [[[10, 20, 30]] * 2] * 2
    assert conversions(store) == ["1 of 1 image with bands beyond their colours: those are dropped"]


@pytest.mark.parametrize("bits", [1, 8, 16])
def test_a_grey_png_with_a_transparent_value_is_composited(bits: int) -> None:
    pixels = np.array([[0, 255], [255, 0]], np.uint8).astype(np.uint16 if bits == 16 else np.uint8)
    file = io.BytesIO()
    picture = Image.fromarray(pixels)
    (picture.convert("1") if bits == 1 else picture).save(file, "PNG")
    assert (decode(with_key(file.getvalue(), struct.pack(">H", 0)), bits=8) == 255).all()


@pytest.mark.parametrize("bits", [9, 10, 12, 14])
@pytest.mark.parametrize("kind", [".png", ".tiff"])
@pytest.mark.parametrize("colours", [1, 3])
def test_values_of_fewer_bits_in_files_of_16_keep_eight(
    bits: int, kind: str, colours: int, tmp_path: Path
) -> None:
    full, dark = grey(bits), grey(bits, 0.2)
    files = {
        f"{name}{kind}": cv2.imencode(kind, np.dstack([pixels] * colours))[1].tobytes()
        for name, pixels in (("full", full), ("dark", dark))
    }
    store = stored(tmp_path, files)
    read = bits + bits % 2  # as cameras and scanners have them
    assert store.depth.bits == read
    assert (store[0] == (full >> read - 8)[..., None]).all()
    assert (store[1] == (dark >> read - 8)[..., None]).all(), "brightness is the data set's"
    assert conversions(store) == [
        f"2 of 2 images of more than 8 bits, values up to {full.max():,}: read as {read} bits, of "
        "which the upper 8 are kept"
    ]
    assert pixel_problems(store) == []


def test_a_test_set_is_read_with_the_depth_of_the_training_set(tmp_path: Path) -> None:
    train = stored(tmp_path, {"a.png": encode(grey(12))})
    dim = {"b.png": encode(grey(12, 0.1))}
    assert stored(tmp_path, dim).depth.bits == 10
    test = stored(tmp_path, dim, bits=train.depth.bits)
    assert (test[0] == (grey(12, 0.1) >> 4)[..., None]).all()
    assert stored(tmp_path, {"a.png": encode(grey(12))}, bits=10)[0].max() == 255


def test_one_picture_of_16_bits_among_darker_ones_is_a_problem_that_check_names(
    tmp_path: Path,
) -> None:
    store = stored(tmp_path, {"a.png": encode(grey(12)), "b.png": encode(grey(16))})
    assert store.depth.bits == 16
    assert pixel_problems(store) == [
        "1 of 2 images of more than 8 bits reach no more than 4,095 of 65,535, which leaves them 16 "
        "grey levels or fewer: bit_depth=12 shows them and cuts the others off, or scale the files alike"
    ]
    cut = stored(tmp_path, {"a.png": encode(grey(12)), "b.png": encode(grey(16))}, bits=12)
    assert "1 of 2 images with values above 4,095: they are cut off there" in conversions(cut)


def test_what_is_drawn_in_white_on_nothing_is_a_problem_that_check_names(tmp_path: Path) -> None:
    white = np.full((8, 8, 4), 255, np.uint8)
    white[:4, :, 3] = 0
    store = stored(tmp_path, {"a.png": encode(white), "b.png": encode(white[..., :3])})
    assert conversions(store) == ["1 of 2 images with an alpha channel: composited on white"]
    assert pixel_problems(store) == [
        "1 of 1 image with an alpha channel show nothing on white: where they are drawn in white, put "
        "them on another colour first"
    ]


def test_a_store_of_before_is_taken_only_where_no_pixel_has_changed(tmp_path: Path) -> None:
    plain = {"a.png": encode(np.zeros((2, 2, 3), np.uint8))}
    clear = {"a.png": encode(np.zeros((2, 2, 4), np.uint8))}
    names = {}
    for name, files in (("plain", plain), ("clear", clear), ("deep", {"a.png": encode(grey(12))})):
        store = stored(tmp_path, files)
        names[name] = store.folder.name == _digest(["format 2, side 0", *store.digests])
    assert names == {"plain": True, "clear": False, "deep": False}


def test_an_archive_tells_the_channels_as_its_files_do(
    data: Path, cache: Path, tmp_path: Path
) -> None:
    files = {"a.png": encode(grey(10)), "b.png": encode(np.zeros((3, 3, 4), np.uint8))}
    zipped(data / "train.zip", files)
    folder = open_folder(data, cache, packed=True)
    table = pd.DataFrame({"id": [*files], "path": [f"{folder}/{name}" for name in files]})
    store = open_store(table, side=0, cache=cache)
    assert store.channels.tolist() == [DEEP, ALPHA]
    assert store.folder.name == stored(tmp_path / "files", files).folder.name


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (tiff(np.full((2, 2, 1), -5, np.int16), signs=2), "signed values, down to -5"),
        (tiff(np.full((2, 2, 1), 5, np.uint32)), "of uint32 values, which name no white"),
        (tiff(np.full((2, 2, 1), 0.5, np.float32), signs=3), "of float32 values"),
        (
            tiff(np.full((2, 2, 2), 5, np.uint8), extra=2),
            "a TIFF of grey or palette colours with an alpha",
        ),
        (b"Pf\n2 1\n-1.0\n" + bytes(8), "a picture of float values"),
    ],
)
def test_values_that_name_no_brightness_are_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(UndecodableError, match=words):
        decode(data)


def test_signed_values_from_zero_up_and_white_as_zero_are_read(tmp_path: Path) -> None:
    signed = tiff(grey(12)[..., None].astype(np.int16), signs=2)
    turned = tiff(4095 - grey(12)[..., None], photometric=0)
    assert channels(signed) == channels(turned) == DEEP
    store = stored(tmp_path, {"a.tif": signed, "b.tif": turned})
    assert (store[0] == (grey(12) >> 4)[..., None]).all()
    assert (store[1] == store[0]).all()


def test_a_transparent_garbage_value_does_not_set_the_depth(tmp_path: Path) -> None:
    pixels = np.dstack([grey(10)] * 3 + [np.full((24, 32), 65535, np.uint16)])
    pixels[0, 0] = (65535, 65535, 65535, 0)
    store = stored(tmp_path, {"a.png": encode(pixels)})
    assert store.depth.bits == 10
    assert store[0][0, 0].tolist() == [255] * 3
    assert (store[0][1:] == (grey(10) >> 2)[1:, :, None]).all()
