"""Views for test-time augmentation: pure functions from an input batch to one of the same shape."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

View = Callable[[Tensor], Tensor]


def identity(x: Tensor) -> Tensor:
    """The batch itself."""
    return x


def mirror(x: Tensor) -> Tensor:
    """Left and right exchanged."""
    return x.flip(-1)


def shift(x: Tensor, down: int, right: int) -> Tensor:
    """Moved by whole pixels, the edges reflected."""
    reach = max(abs(down), abs(right))
    height, width = x.shape[-2:]
    padded = pad(x, (reach,) * 4, mode="reflect")
    return padded[..., reach - down :, reach - right :][..., :height, :width]


def moved(x: Tensor, by: int, flipped: bool) -> Tensor:
    """Moved down and right by `by` pixels, and mirrored first if `flipped`."""
    return shift(x.flip(-1) if flipped else x, by, by)


def crop(x: Tensor, vertical: float, horizontal: float, share: float = 7 / 8) -> Tensor:
    """A crop of `share` of the side, at 0 (top, left) … 1 (bottom, right), enlarged back."""
    height, width = x.shape[-2:]
    tall, wide = round(height * share), round(width * share)
    top, left = round((height - tall) * vertical), round((width - wide) * horizontal)
    return _resized(x[..., top : top + tall, left : left + wide], height, width)


def turned(x: Tensor, quarters: int, flipped: bool) -> Tensor:
    """Turned by quarters, and mirrored first if `flipped`: one of the eight of the square."""
    return torch.rot90(x.flip(-1) if flipped else x, quarters, (-2, -1))


def scaled(x: Tensor, factor: float) -> Tensor:
    """Shown larger (factor > 1: the centre fills the frame) or smaller (edges reflected)."""
    height, width = x.shape[-2:]
    if factor > 1:
        return crop(x, 0.5, 0.5, 1 / factor)
    rim = round((1 / factor - 1) / 2 * height)
    return _resized(pad(x, (rim,) * 4, mode="reflect"), height, width)


def _resized(x: Tensor, height: int, width: int) -> Tensor:
    return interpolate(
        x, size=(height, width), mode="bilinear", align_corners=False, antialias=True
    )


GROUPS: dict[str, Sequence[View]] = {
    "identity": (identity,),
    "mirror": (mirror,),
    "shifts": tuple(partial(shift, down=d, right=r) for d in (-1, 1) for r in (-1, 1)),
    "diagonal": tuple(
        partial(moved, by=by, flipped=flipped) for flipped in (False, True) for by in (1, -1)
    ),
    "five_crops": tuple(
        partial(crop, vertical=v, horizontal=h)
        for v, h in ((0, 0), (0, 1), (1, 0), (1, 1), (0.5, 0.5))
    ),
    "square": tuple(
        partial(turned, quarters=q, flipped=f) for f in (False, True) for q in range(4) if q or f
    ),
    "scales": (partial(scaled, factor=8 / 7), partial(scaled, factor=7 / 8)),
}
# What a view of a group counts in a mean, where it is not 1. With mirror+diagonal the image and its mirror
# count twice as much as the same moved by a pixel (K. Jordan, 2024).
WEIGHTS = {"diagonal": 0.5}
