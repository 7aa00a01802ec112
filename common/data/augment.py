"""Augmentation of small images as batched tensor functions, on the device that trains.

Every draw is a row of numbers in [0, 1) that belongs to (seed, fold, epoch, image), so that the
same image gets the same draw whatever the batch, the device and the number of workers.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

DRAWS = 5  # uniform numbers an image uses: mirror, two of shift, two of cutout


@dataclass(frozen=True)
class SmallPreset:
    """Augmentation for images that all have one small size."""

    mirror: bool = False
    alternate: bool = False  # mirrored in every second epoch, instead of by chance
    shift: float = 0.0  # largest shift, as a share of the side
    cutout: float = 0.0  # side of the erased square, as a share of the side


SMALL = {
    "small": SmallPreset(mirror=True, shift=1 / 8, cutout=1 / 4),
    "small-shift": SmallPreset(shift=1 / 8),
    "small-mirror": SmallPreset(mirror=True, shift=1 / 8),
    "small-alternate": SmallPreset(mirror=True, alternate=True, shift=1 / 16),
    "small-none": SmallPreset(),
}


def augment(images: Tensor, draws: Tensor, preset: SmallPreset, fill: Tensor) -> Tensor:
    """uint8 [B, H, W, 3] and draws [B, DRAWS] to uint8 [B, H, W, 3]; `fill` [3] is cutout's colour."""
    images = mirror_and_shift(images, draws, preset)
    if preset.cutout:
        images = cutout(images, draws[:, 3:5], preset.cutout, fill)
    return images


def mirror_and_shift(images: Tensor, draws: Tensor, preset: SmallPreset) -> Tensor:
    """Mirror half of the images and move each, edges reflected, in one gather."""
    if not (preset.mirror or preset.shift):
        return images
    count, height, width, _ = images.shape
    rows = _moved(draws[:, 1], height, preset.shift)
    columns = _moved(draws[:, 2], width, preset.shift)
    if preset.mirror:
        columns = torch.where(draws[:, :1] < 0.5, width - 1 - columns, columns)
    batch = torch.arange(count, device=images.device)[:, None, None]
    return images[batch, rows[:, :, None], columns[:, None, :]]


def _moved(draw: Tensor, side: int, share: float) -> Tensor:
    """Source indices [B, side] of a shift of up to `share` of the side, reflected at the edges."""
    reach = round(share * side)
    shift = (draw * (2 * reach + 1)).long() - reach
    index = (torch.arange(side, device=draw.device)[None] + shift[:, None]).abs()
    return (side - 1) - ((side - 1) - index).abs()


def cutout(images: Tensor, draws: Tensor, share: float, fill: Tensor) -> Tensor:
    """Erase one square an image, its centre anywhere (DeVries and Taylor, 2017)."""
    _, height, width, _ = images.shape
    half = share * height / 2
    near = [
        (torch.arange(side, device=images.device)[None] + 0.5 - draw[:, None] * side).abs() < half
        for side, draw in ((height, draws[:, 0]), (width, draws[:, 1]))
    ]
    square = (near[0][:, :, None] & near[1][:, None, :])[..., None]
    return torch.where(square, fill, images)
