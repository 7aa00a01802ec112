"""Images of 32x32 become training batches: moved by up to four pixels, mirrored, normalised.

The kit augments whole batches of bytes; the peers treat image by image, from memory too.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmarks.measure import Effort, Row, Way, alone, compare, one_thread
from common.data.batches.batching import epoch_order
from common.data.batches.sources import InMemory, to_input
from common.recipe import Recipe

CLAIM = "32x32 training batches of 256"
SIDE, BATCH, EDGE = 32, 256, 4
MEAN, STD = (0.491, 0.482, 0.447), (0.247, 0.243, 0.262)  # CIFAR-10's
OURS = 16  # passes of ours in the time of one: it is too short to be timed alone
Pixels = npt.NDArray[np.uint8]


class Items(Dataset[Tensor]):
    """Image by image: pixels [32, 32, 3] through a transform."""

    def __init__(self, pixels: Pixels, transform: Callable[[Pixels], Tensor]) -> None:
        self.pixels, self.transform = pixels, transform

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> Tensor:
        return self.transform(self.pixels[index])


def measure(effort: Effort) -> list[Row]:
    """Batches of small images, against torchvision and albumentations item by item."""
    count = max(BATCH, effort.images * 8 // BATCH * BATCH)
    pixels = np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)
    peers = [
        (25.0, "torchvision", lambda: _by_item("torchvision", pixels, _torchvision())),
        (6.0, "albumentations", lambda: _by_item("albumentations", pixels, _albumentations())),
    ]
    with one_thread():
        return compare(CLAIM, _ours(pixels), peers, repeats=effort.repeats)


def _ours(pixels: Pixels) -> Way:
    recipe = Recipe(augment="small-mirror", batch_size=BATCH)
    source = InMemory(torch.from_numpy(pixels), recipe, torch.zeros(3, dtype=torch.uint8))
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (MEAN, STD))
    labels = np.zeros(len(pixels), np.int64)

    def work() -> None:
        for epoch in range(OURS):
            place = (0, 0, epoch)
            for images in source.training(epoch_order(labels, recipe, place), place, 0):
                to_input(images, mean, std, 0)

    return Way("kit", work, OURS * len(pixels))


def _by_item(name: str, pixels: Pixels, transform: Callable[[Pixels], Tensor]) -> Way:
    data = Items(pixels, transform)

    def work() -> None:
        for _ in DataLoader(data, batch_size=BATCH, shuffle=True):
            pass

    return Way(f"{name}, by item", work, len(pixels))


def _torchvision() -> Callable[[Pixels], Tensor]:
    from PIL import Image
    from torchvision import transforms

    steps = transforms.Compose(
        [
            Image.fromarray,
            transforms.RandomCrop(SIDE, EDGE, padding_mode="reflect"),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    found: Callable[[Pixels], Tensor] = steps
    return found


def _albumentations() -> Callable[[Pixels], Any]:
    import albumentations as A
    import cv2
    from albumentations.pytorch import ToTensorV2

    steps = A.Compose(
        [
            A.PadIfNeeded(SIDE + 2 * EDGE, SIDE + 2 * EDGE, border_mode=cv2.BORDER_REFLECT_101),
            A.RandomCrop(SIDE, SIDE),
            A.HorizontalFlip(p=0.5),
            A.Normalize(MEAN, STD),
            ToTensorV2(),
        ]
    )
    return lambda image: steps(image=image)["image"]


if __name__ == "__main__":
    alone(measure)
