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
    "small-strong": SmallPreset(mirror=True, alternate=True, shift=1 / 8, cutout=3 / 8),
    "small-none": SmallPreset(),
}


def augment(images: Tensor, draws: Tensor, preset: SmallPreset, fill: Tensor) -> Tensor:
    """uint8 [B, H, W, 3] and draws [B, DRAWS] to uint8 [B, H, W, 3]; `fill` [3] is cutout's colour."""
    images = mirror_and_shift(images, draws, preset)
    if preset.cutout:
        images = cutout(images, draws[:, 3:5], preset.cutout, fill)
    return images


def mirror_and_shift(images: Tensor, draws: Tensor, preset: SmallPreset) -> Tensor:
    """Mirror half of the images and move each, edges reflected: one copy of rows.

    Between its two mirror images an image is a strip of which every mirrored or moved row is a
    piece: copying pieces takes a twentieth of the time of gathering pixels.
    """
    if not (preset.mirror or preset.shift):
        return images
    count, height, width, channels = images.shape
    mirrors = images.flip(2)
    strips = torch.cat([mirrors[:, :, :-1], images, mirrors[:, :, 1:]], dim=2)
    length = 3 * width - 2
    lines = _moved(draws[:, 1], height, preset.shift)
    lines += torch.arange(count, device=images.device)[:, None] * height
    start = _shift(draws[:, 2], width, preset.shift) + width - 1
    if preset.mirror:
        other = (start - (width - 1)) % max(1, 2 * width - 2)
        start = torch.where(draws[:, 0] < 0.5, other, start)
    pieces = strips.as_strided(
        (count * height * length - width + 1, width * channels), (channels, 1)
    )
    chosen = pieces.index_select(0, (lines * length + start[:, None]).flatten())
    return chosen.view(images.shape)


def _shift(draw: Tensor, side: int, share: float) -> Tensor:
    """Whole pixels [B] of a shift of up to `share` of the side, either way."""
    reach = round(share * side)
    return (draw * (2 * reach + 1)).long() - reach


def _moved(draw: Tensor, side: int, share: float) -> Tensor:
    """Source indices [B, side] of a shift, reflected at the edges."""
    shift = _shift(draw, side, share)
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
