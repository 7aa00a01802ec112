"""albumentations presets for photographs, one image at a time: the only module that imports it."""

import os
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
PCG = {"bit_generator": "PCG64", "has_uint32": 0, "uinteger": 0}
PHOTO = ("photo", "photo-crop", "photo-light", "photo-none")


class PhotoTransform:
    """uint8 [H, W, 3] of any size to uint8 [size, size, 3], by preset and seed.

    `photo`: random resized crop, mirror, colour. `photo-crop`: Inception's crop of 8 % and more, and
    mirror, as in the course. `photo-light`: mild crop and mirror.
    `photo-none`: what validation sees: shorter side to size / crop, centre crop.
    """

    def __init__(self, preset: str, *, size: int, crop: float) -> None:
        self.size = size
        self.generator, self.random = np.random.default_rng(0), random.Random(0)
        self.near = _steps(preset, size, crop, cv2.INTER_LINEAR)
        self.far = _steps(preset, size, crop, cv2.INTER_AREA)
        for step in [*self.near, *self.far]:
            step.set_random_state(self.generator, self.random)

    def __call__(self, image: Pixels, seed: int) -> Pixels:
        # One step's draws follow another's, and the first follow the seed: nothing is left over
        # from the image before.
        self.random.seed(seed)
        self.generator.bit_generator.state = PCG | {"state": {"state": seed, "inc": 1}}
        # Linear interpolation leaves out no pixel while a crop, at most 4/3 of the shorter side, is
        # within twice the size; it takes a quarter of the time of averaging areas.
        far = min(image.shape[:2]) > 1.5 * self.size
        # What a Compose adds for boxes and masks takes longer than a mirror.
        for step in self.far if far else self.near:
            image = step(image=image)["image"]
        return image


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """Keep OpenCV from starting threads inside those that call it."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(0)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _steps(preset: str, size: int, crop: float, how: int) -> list[Any]:
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # it asks PyPI for its newest version at import
    import albumentations as A

    square = (size, size)
    with warnings.catch_warnings():
        # An unknown argument is only a warning to albumentations, and its default is used.
        warnings.simplefilter("error")
        return {
            "photo": lambda: [
                A.RandomResizedCrop(square, scale=(0.25, 1.0), interpolation=how),
                A.HorizontalFlip(p=0.5),
                A.ColorJitter(0.3, 0.3, 0.3, 0.05, p=0.8),
            ],
            "photo-crop": lambda: [
                A.RandomResizedCrop(square, scale=(0.08, 1.0), interpolation=how),
                A.HorizontalFlip(p=0.5),
            ],
            "photo-light": lambda: [
                A.RandomResizedCrop(square, scale=(0.6, 1.0), interpolation=how),
                A.HorizontalFlip(p=0.5),
            ],
            "photo-none": lambda: [
                A.SmallestMaxSize(round(size / crop), interpolation=how),
                A.CenterCrop(size, size),
            ],
        }[preset]()
