"""Archives and encoded pictures that several tests make."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
from py7zr import SevenZipFile

from common.data.archives.encoded_images import Encoded
from common.data.archives.pack import Pack, packs_of

NOISE = os.urandom(20_000)
FILES = {"train/1.png": NOISE, "train/2.png": b"two", "train/void.png": b""}
RANDOM = np.random.default_rng(0)


def zipped(place: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(place, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return place


def sevened(place: Path, files: dict[str, bytes]) -> Path:
    with SevenZipFile(place, "w") as archive:
        for name, data in files.items():
            archive.writestr(data, name)
    return place


def picture(height: int = 12, width: int = 16) -> np.ndarray:
    return RANDOM.integers(0, 256, (height, width, 3), dtype=np.uint8)


def encode(pixels: np.ndarray, suffix: str = ".png") -> bytes:
    """Encode RGB (or grey, or RGBA) pixels."""
    if pixels.ndim == 3:
        pixels = pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    return bytes(cv2.imencode(suffix, pixels)[1])


def content(folder: Path) -> dict[str, bytes]:
    """Every visible file, through links, and every image of a pack, by its path."""
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in (Path(a, n) for a, _, ns in os.walk(folder, followlinks=True) for n in ns)
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }
    names = [name for pack in packs_of(folder) for name in Pack(pack).names()]
    assert not {*names} & {*found}
    return found | dict(zip(names, Encoded([folder / name for name in names]), strict=True))


def tarred(place: Path, files: dict[str, bytes], mode: str = "") -> Path:
    """A tar with a folder entry for what was packed; `mode` is gz, bz2, xz or nothing."""
    with tarfile.open(place, f"w:{mode}") as archive:
        folder = tarfile.TarInfo("./")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(folder)
        for name, data in files.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return place


def written(folder: Path, files: dict[str, bytes]) -> Path:
    """The files, as someone has unpacked them."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def cut(archive: Path, names: list[str]) -> None:
    """An archive's bytes in as many files as there are names, in place of it."""
    data = archive.read_bytes()
    size = -(-len(data) // len(names))
    archive.unlink()
    for number, name in enumerate(names):
        archive.with_name(name).write_bytes(data[number * size : (number + 1) * size])
