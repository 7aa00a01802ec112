"""Pictures with structure at all scales, and copies of them as the web makes them."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from toy_files import encode

from common.data.pixels.store import Store, open_store

Picture = np.ndarray


def shot(seed: int, side: int = 32) -> Picture:
    """A smooth random field in colour: sums of noise at four scales."""
    rng = np.random.default_rng((7, seed))
    field = np.zeros((side, side, 3))
    for cells, strength in ((3, 40), (6, 30), (12, 20), (24, 10)):
        noise = rng.normal(0, 1, (cells, cells, 1)) + 0.4 * rng.normal(0, 1, (cells, cells, 3))
        field += strength * cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.clip(field + rng.uniform(90, 165), 0, 255).astype(np.uint8)


def flat(seed: int, side: int = 32) -> Picture:
    """A sky: a gradient of brightness, a little noise, nothing else."""
    rng = np.random.default_rng((8, seed))
    slope = rng.uniform(1, 40) * np.linspace(0, 1, side)[:, None, None]
    sky = rng.uniform(60, 180, 3) + slope + rng.normal(0, 1.5, (side, side, 3))
    return np.clip(sky, 0, 255).astype(np.uint8)


def resized(image: Picture, scale: float) -> Picture:
    side = len(image)
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR)


def moved(image: Picture, right: int, down: int) -> Picture:
    shift = np.array([[1, 0, right], [0, 1, down]], np.float32)
    return cv2.warpAffine(image, shift, image.shape[1::-1], borderMode=cv2.BORDER_REFLECT_101)


def again(image: Picture, quality: int) -> Picture:
    data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]


def recoloured(image: Picture) -> Picture:
    gains = np.array([0.9, 1.0, 1.1])
    return np.clip((image - 128.0) * gains + 138, 0, 255).astype(np.uint8)


def cropped(image: Picture, pixels: int) -> Picture:
    inner = np.ascontiguousarray(image[pixels:, : len(image) - pixels])
    return cv2.resize(inner, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)


COPIES: dict[str, Callable[[Picture], Picture]] = {
    "resized x0.8": lambda image: resized(image, 0.8),
    "resized x1.25": lambda image: resized(image, 1.25),
    "quality 50": lambda image: again(image, 50),
    "quality 90": lambda image: again(image, 90),
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
    "moved": lambda image: moved(image, 2, -2),
    "recoloured": recoloured,
    "cropped": lambda image: cropped(image, 3),
    "moved, recoloured": lambda image: recoloured(moved(image, -2, 1)),
    "mirrored, moved, quality 70": lambda image: again(moved(image[:, ::-1].copy(), 1, 2), 70),
    "resized, recoloured": lambda image: recoloured(resized(image, 0.8)),
}


def stored(folder: Path, pictures: list[Picture], *, jpeg: bool = False) -> Store:
    """A store of pictures written as files."""
    (folder / "files").mkdir(parents=True, exist_ok=True)
    paths = [folder / "files" / f"{n:05}.png" for n in range(len(pictures))]
    for path, image in zip(paths, pictures, strict=True):
        path.write_bytes(encode(image, ".jpg" if jpeg else ".png"))
    table = pd.DataFrame({"id": [path.stem for path in paths], "path": [str(p) for p in paths]})
    return open_store(table, side=0, cache=folder / "cache")
