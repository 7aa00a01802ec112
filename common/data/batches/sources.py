"""Batch sources: store rows to augmented uint8 batches on the device, normalised there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from common import randomness
from common.data.batches.batching import WHOLE, Place, Share, inference_batch, times_before
from common.data.batches.photo_source import PerImage
from common.data.batches.photographs import PHOTO
from common.data.batches.small_images import DRAWS, SMALL, augment
from common.data.folds import Rows
from common.data.pixels.store import Store
from common.errors import KitError
from common.recipe import Recipe

# Values that a CPU normalises at once: each step finds them where the last one left them, in a cache.
IN_CACHE = 600_000


class Source(Protocol):
    """Where batches come from; images are uint8 [B, 3, H, W] on the device."""

    def training(self, rows: Rows, place: Place, size: int) -> Iterator[Tensor]:
        """Augmented images of these rows, in their order, `batch_size` at a time: of each its `share`."""
        ...

    def plain(self, rows: Rows, size: int) -> Iterator[Tensor]:
        """Unaugmented images, for validation and prediction, `inference_batch` at a time."""
        ...


def open_source(
    store: Store, recipe: Recipe, device: torch.device, *, mean: Any, crop: float
) -> Source:
    """The source that the recipe's augmentation preset asks for.

    Raises:
        KitError: an unknown preset, or a small-image preset on images of several sizes.
    """
    if recipe.augment in SMALL:
        if not store.uniform:
            raise KitError(
                f"augment={recipe.augment} wants images of one size, and these have several: "
                "say augment=photo and image_size=224"
            )
        fill = torch.tensor([round(255 * channel) for channel in mean], dtype=torch.uint8)
        return InMemory(torch.from_numpy(store.private()).to(device), recipe, fill.to(device))
    if recipe.augment not in PHOTO:
        raise KitError(f"augment={recipe.augment} is none of {', '.join([*SMALL, *PHOTO])}")
    if not recipe.image_size:
        raise KitError(f"augment={recipe.augment} needs a size to crop to: say image_size=224")
    return PerImage(store, recipe, device, crop)


@dataclass(frozen=True)
class InMemory:
    """Small images: all pixels [N, H, W, 3] on the device, augmented there batch-wise."""

    pixels: Tensor
    recipe: Recipe
    fill: Tensor
    share: Share = WHOLE

    def training(self, rows: Rows, place: Place, size: int) -> Iterator[Tensor]:  # noqa: ARG002
        generator = randomness.stream(randomness.AUGMENT, *place)
        table = generator.random((len(self.pixels), DRAWS), np.float32)
        preset, batch = SMALL[self.recipe.augment], self.recipe.batch_size
        if preset.alternate:
            table[:, 0] = _alternating(len(self.pixels), place)
        # A row drawn again in an epoch gets numbers of its own: the first draw's, turned.
        again = times_before(rows)[:, None] * np.float32(0.618034) * np.arange(1, DRAWS + 1)
        draws = torch.from_numpy(np.float32((table[rows] + again) % 1)).to(self.pixels.device)
        chunks = _chunks(rows, batch, self.pixels.device)
        for index, numbers in zip(chunks, draws.split(batch), strict=True):
            mine = self.share.of(len(index))
            images = self.pixels.index_select(0, index[mine])
            images = augment(images, numbers[mine], preset, self.fill)
            yield images.permute(0, 3, 1, 2)

    def plain(self, rows: Rows, size: int) -> Iterator[Tensor]:
        height, width = (size, size) if size else self.pixels.shape[1:3]
        batch = inference_batch(self.recipe, self.pixels.device.type, height, width)
        for index in _chunks(rows, batch, self.pixels.device):
            yield self.pixels.index_select(0, index).permute(0, 3, 1, 2)


def _alternating(count: int, place: Place) -> npt.NDArray[np.float32]:
    """Draws [count] of the mirror that change sides of 0.5 with every epoch (K. Jordan, 2024).

    So two epochs show each image both ways, where chance would show it twice the same way.
    """
    seed, fold, epoch = place
    first = randomness.stream(randomness.MIRROR, seed, fold).random(count, np.float32)
    return (first + np.float32(0.5 * (epoch % 2))) % 1


def _chunks(rows: Rows, size: int, device: torch.device) -> Iterator[Tensor]:
    index = torch.from_numpy(rows).to(device)
    yield from index.split(size)


def to_input(images: Tensor, mean: Tensor, std: Tensor, size: int) -> Tensor:
    """uint8 [B, 3, H, W] to the network's float input [B, 3, size, size], normalised on the device.

    `size` 0 keeps the images' own; `mean` and `std` [1, 3, 1, 1] are those of pixels in [0, 1].
    """
    height, width = (size, size) if size else images.shape[-2:]
    # Channels lie side by side: over a whole row of them the arithmetic is six times as fast.
    scale, shift = (
        each.expand(1, 3, 1, width).contiguous(memory_format=torch.channels_last)
        for each in (1 / (255 * std), -mean / std)
    )
    ready = torch.empty(
        (len(images), 3, height, width),
        dtype=mean.dtype,
        device=images.device,
        memory_format=torch.channels_last,
    )
    few = max(1, IN_CACHE // (3 * height * width)) if images.device.type == "cpu" else len(images)
    for part, into in zip(images.split(few), ready.split(few), strict=True):
        if part.shape != into.shape:
            part = torch.nn.functional.interpolate(
                part.to(mean.dtype),
                size=(size, size),
                mode="bicubic",
                align_corners=False,
                antialias=True,
            )
        into.copy_(part).mul_(scale).add_(shift)
    return ready
