"""Test-time augmentation (TTA) views: functions of an input batch [B, C, H, W]; `VIEW_GROUPS` by name."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

View = Callable[[Tensor], Tensor]


def identity(x: Tensor) -> Tensor:
    """The batch unchanged."""
    return x


def mirror(x: Tensor) -> Tensor:
    """Horizontal flip."""
    return x.flip(-1)


def shift(x: Tensor, down: int, right: int) -> Tensor:
    """Shift by whole pixels with reflection padding."""
    reach = max(abs(down), abs(right))
    height, width = x.shape[-2:]
    padded = pad(x, (reach,) * 4, mode="reflect")
    return padded[..., reach - down :, reach - right :][..., :height, :width]


def diagonal_shift(x: Tensor, by: int, flipped: bool) -> Tensor:
    """Shift down and right by `by` pixels, after a horizontal flip if `flipped`."""
    return shift(x.flip(-1) if flipped else x, by, by)


def crop(x: Tensor, vertical: float, horizontal: float, share: float = 7 / 8) -> Tensor:
    """Crop `share` of each side at 0 (top, left) … 1 (bottom, right), resized to the full size."""
    height, width = x.shape[-2:]
    tall, wide = round(height * share), round(width * share)
    top, left = round((height - tall) * vertical), round((width - wide) * horizontal)
    return _resized(x[..., top : top + tall, left : left + wide], height, width)


def rotated(x: Tensor, quarters: int, flipped: bool) -> Tensor:
    """Rotate by `quarters` * 90 degrees, after a flip if `flipped`: the dihedral group D4."""
    return torch.rot90(x.flip(-1) if flipped else x, quarters, (-2, -1))


def scaled(x: Tensor, factor: float) -> Tensor:
    """Zoom by `factor`: > 1 crops the centre, < 1 pads by reflection."""
    height, width = x.shape[-2:]
    if factor > 1:
        return crop(x, 0.5, 0.5, 1 / factor)
    down, right = (round((1 / factor - 1) / 2 * side) for side in (height, width))
    return _resized(pad(x, (right, right, down, down), mode="reflect"), height, width)


def _resized(x: Tensor, height: int, width: int) -> Tensor:
    return interpolate(
        x, size=(height, width), mode="bilinear", align_corners=False, antialias=True
    )


VIEW_GROUPS: dict[str, Sequence[View]] = {
    "identity": (identity,),
    "mirror": (mirror,),
    "shifts": tuple(partial(shift, down=d, right=r) for d in (-1, 1) for r in (-1, 1)),
    "diagonal": tuple(
        partial(diagonal_shift, by=by, flipped=flipped)
        for flipped in (False, True)
        for by in (1, -1)
    ),
    "five_crops": tuple(
        partial(crop, vertical=v, horizontal=h)
        for v, h in ((0, 0), (0, 1), (1, 0), (1, 1), (0.5, 0.5))
    ),
    "square": tuple(
        partial(rotated, quarters=q, flipped=f) for f in (False, True) for q in range(4) if q or f
    ),
    "scales": (partial(scaled, factor=8 / 7), partial(scaled, factor=7 / 8)),
}
# The weight of a group's single view in the mean, where it is not 1. With mirror+diagonal the image and
# its flip count twice as much as their shifts by a pixel (K. Jordan, 2024).
VIEW_WEIGHTS = {"diagonal": 0.5}
