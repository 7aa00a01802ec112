"""Photographs to read: made up from scikit-learn's two, or a folder's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from benchmarks.measure import Effort
from common.errors import KitError

HEIGHT, WIDTH, QUALITY = 375, 500, 90
NOISE = 1.5  # standard deviation; files of about 50 KB, as cameras make them at this size


@contextmanager
def photographs(effort: Effort) -> Iterator[tuple[list[Path], Path]]:
    """The JPEG files to read, and a folder to write in.

    Raises:
        KitError: a folder without JPEG files.
    """
    with TemporaryDirectory() as folder:
        scratch = Path(folder)
        if effort.data is None:
            yield made(effort.images, scratch), scratch
            return
        found = sorted(p for p in effort.data.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg"))
        if not found:
            raise KitError(f"{effort.data} holds no JPEG files: name a folder with photographs")
        yield found[: effort.images], scratch


def made(count: int, folder: Path, seed: int = 0) -> list[Path]:
    """Random crops of two photographs, half of them mirrored, with light noise."""
    from sklearn.datasets import load_sample_images

    sources = load_sample_images().images
    random = np.random.default_rng(seed)
    paths = []
    for number in range(count):
        whole = sources[number % len(sources)]
        top = random.integers(whole.shape[0] - HEIGHT + 1)
        left = random.integers(whole.shape[1] - WIDTH + 1)
        crop = whole[top : top + HEIGHT, left : left + WIDTH, ::-1]
        crop = crop[:, ::-1] if random.random() < 0.5 else crop
        pixels = np.clip(crop + random.normal(0, NOISE, crop.shape), 0, 255).astype(np.uint8)
        paths.append(folder / f"{number:05}.jpg")
        cv2.imwrite(str(paths[-1]), pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return paths
