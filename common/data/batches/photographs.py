"""Presets for photographs, one image at a time: the only module that imports albumentations."""

import os
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from common.data.batches.colour import jitter

Pixels = npt.NDArray[np.uint8]
# The least share of an image that a random crop shows; 0: no random crop.
SHARES = {"photo": 0.25, "photo-crop": 0.08, "photo-light": 0.6, "photo-none": 0.0}
PHOTO = tuple(SHARES)


class PhotoTransform:
    """uint8 [H, W, 3] of any size to uint8 [size, size, 3], by preset and seed.

    `photo`: random resized crop, mirror, colour. `photo-crop`: Inception's crop of 8 % and more, and
    mirror, as in the course. `photo-light`: mild crop and mirror.
    `photo-none`: what validation sees: shorter side to size / crop, centre crop.
    """

    def __init__(self, preset: str, *, size: int, crop: float) -> None:
        self.size, self.side = size, round(size / crop)
        self.random = random.Random(0)
        self.crop, self.colour = _crop(preset, size), preset == "photo"
        if self.crop is not None:
            self.crop.set_random_state(np.random.default_rng(0), self.random)
        self._turned = np.empty((size, size, 3), np.uint8)

    def __call__(self, image: Pixels, seed: int, out: Pixels) -> None:
        """Write the transformed image into `out`, a part of a batch."""
        assert out.shape == (self.size, self.size, 3)  # else OpenCV would write elsewhere
        # Linear interpolation leaves out no pixel while a crop, at most 4/3 of the shorter side, is
        # within twice the size; it takes a quarter of the time of averaging areas.
        far = min(image.shape[:2]) > 1.5 * self.size
        how = cv2.INTER_AREA if far else cv2.INTER_LINEAR
        if self.crop is None:
            out[:] = self._centre(image, how)
            return
        # One step's draws follow another's, and the first follow the seed: nothing is left over
        # from the image before.
        self.random.seed(seed)
        box = self.crop.get_params_dependent_on_data({"shape": image.shape}, {})["crop_coords"]
        left, top, right, bottom = box
        mirror = self.random.random() < 0.5
        # Straight into the batch: what albumentations adds around both steps takes as long as a mirror.
        resized = self._turned if mirror else out
        cv2.resize(image[top:bottom, left:right], resized.shape[:2], dst=resized, interpolation=how)
        if mirror:
            cv2.flip(resized, 1, dst=out)
        if self.colour:
            jitter(out, self.random)

    def _centre(self, image: Pixels, how: int) -> Pixels:
        scale = self.side / min(image.shape[:2])
        height, width = (round(length * scale) for length in image.shape[:2])
        resized = cv2.resize(image, (width, height), interpolation=how)
        top, left = (height - self.size) // 2, (width - self.size) // 2
        shown: Pixels = resized[top : top + self.size, left : left + self.size]
        return shown


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """Keep OpenCV from starting threads inside those that call it."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(0)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _crop(preset: str, size: int) -> Any:
    """albumentations' random resized crop, of which the draws are used; None for a preset without."""
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # it asks PyPI for its newest version at import
    import albumentations as A

    with warnings.catch_warnings():
        # An unknown argument is only a warning to albumentations, and its default is used.
        warnings.simplefilter("error")
        share = SHARES[preset]
        return A.RandomResizedCrop((size, size), scale=(share, 1.0)) if share else None
