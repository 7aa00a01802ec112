"""Archives and encoded pictures that several tests make."""

import os
import zipfile
from pathlib import Path

import cv2
import numpy as np
from py7zr import SevenZipFile

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
