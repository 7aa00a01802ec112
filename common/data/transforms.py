"""albumentations presets for photographs, one image at a time: the only module that imports it."""

import os
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
PHOTO = ("photo", "photo-crop", "photo-light", "photo-none")


class PhotoTransform:
    """uint8 [H, W, 3] of any size to uint8 [size, size, 3], by preset and seed.

    `photo`: random resized crop, mirror, colour. `photo-crop`: Inception's crop of 8 % and more, and
    mirror, as in the course. `photo-light`: mild crop and mirror.
    `photo-none`: what validation sees: shorter side to size / crop, centre crop.
    """

    def __init__(self, preset: str, *, size: int, crop: float) -> None:
        self.settings = (preset, size, crop)
        self.pipeline = _pipeline(preset, size, crop)

    def __call__(self, image: Pixels, seed: int) -> Pixels:
        # albumentations replays one sequence in every worker and epoch unless each item is seeded.
        self.pipeline.set_random_seed(seed)
        result: Pixels = self.pipeline(image=image)["image"]
        return result

    def __reduce__(self) -> tuple[Any, ...]:
        preset, size, crop = self.settings
        return _rebuilt, (preset, size, crop)


def _rebuilt(preset: str, size: int, crop: float) -> PhotoTransform:
    return PhotoTransform(preset, size=size, crop=crop)


def _pipeline(preset: str, size: int, crop: float) -> Any:
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # it asks PyPI for its newest version at import
    import albumentations as A
    import cv2

    square = (size, size)
    with warnings.catch_warnings():
        # An unknown argument is only a warning to albumentations, and its default is used.
        warnings.simplefilter("error")
        steps = {
            "photo": lambda: [
                A.RandomResizedCrop(square, scale=(0.25, 1.0), interpolation=cv2.INTER_AREA),
                A.HorizontalFlip(p=0.5),
                A.ColorJitter(0.3, 0.3, 0.3, 0.05, p=0.8),
            ],
            "photo-crop": lambda: [
                A.RandomResizedCrop(square, scale=(0.08, 1.0), interpolation=cv2.INTER_AREA),
                A.HorizontalFlip(p=0.5),
            ],
            "photo-light": lambda: [
                A.RandomResizedCrop(square, scale=(0.6, 1.0), interpolation=cv2.INTER_AREA),
                A.HorizontalFlip(p=0.5),
            ],
            "photo-none": lambda: [
                A.SmallestMaxSize(round(size / crop), interpolation=cv2.INTER_AREA),
                A.CenterCrop(size, size),
            ],
        }[preset]()
        return A.Compose(steps)
