"""How much of an image reaches a network's output, and which sizes it sees whole.

Measured with pixels that are no numbers: what is computed from nan is nan, whatever the weights, so a
pixel that is nan makes the output nan if it has any way to it. A gradient would not do: it is zero
behind a ReLU that is off, a maximum that another won, a branch that begins at zero.
"""

from bisect import bisect_left
from collections.abc import Callable
from itertools import islice

import torch
from torch import nn

# The share of the pixels that has to reach the output. Networks of convolutions without padding lose a
# rim of a few pixels at most sizes (Inception-v3 at 224: 2.7 %), which hides nothing.
LEAST = 0.97
MOST_CHANNELS = 17  # satellites' images have up to 16
FAR = 64  # pixels from the size asked for to the last that is tried in its place

# What networks raise at sizes that they do not take.
REFUSALS = (AssertionError, IndexError, RuntimeError, ValueError, ZeroDivisionError)

Box = tuple[int, int, int, int]  # top, bottom, left, right; bottom and right are past it
Rim = tuple[int, int, int, int]  # rows at the top and bottom, columns at the left and right


def unseen(model: nn.Module, height: int, width: int) -> Rim:
    """The rows and columns at the edges of an image that have no way to the output.

    What lies between is taken as seen: two pixels in opposite corners settle most networks.
    """
    if _corners_reach(model, height, width):
        return 0, 0, 0, 0
    top, bottom, left, right = (_hidden(model, height, width, edge) for edge in range(4))
    if top == height:  # it takes nan for a number: nothing can be told of it
        return 0, 0, 0, 0
    return top, bottom, left, right


@torch.inference_mode()
def channels_of(model: nn.Module, side: int) -> int:
    """How many channels the images of this side have that the network takes; 0 where it takes none."""
    for count in (3, *range(1, MOST_CHANNELS)):
        try:
            model.eval()(torch.zeros(1, count, side, side))
            return count
        except REFUSALS:
            continue
    return 0


def _hidden(model: nn.Module, height: int, width: int, edge: int) -> int:
    """How many rows or columns along an edge (top, bottom, left, right) do not reach the output."""

    def reaches(depth: int) -> bool:
        strips = (
            (0, depth, 0, width),
            (height - depth, height, 0, width),
            (0, height, 0, depth),
            (0, height, width - depth, width),
        )
        return _reach(model, height, width, strips[edge])

    if reaches(1):
        return 0
    return bisect_left(range(1, (height if edge < 2 else width) + 1), True, key=reaches)


def share_seen(rim: Rim, height: int, width: int) -> float:
    """The share of the pixels inside the rim."""
    top, bottom, left, right = rim
    return (height - top - bottom) * (width - left - right) / (height * width)


def whole_near(build: Callable[[int], nn.Module], side: int, *, seen: int) -> list[int]:
    """The nearest sizes below and above a side at which a network sees all: none, one or two.

    Args:
        build: makes the network for images of a side.
        seen: pixels of that side that it sees: no smaller image shows it more, so that one of this size
            is tried first; the side itself where it takes no such image.
    """
    below = range(min(seen, side - 1), max(0, side - FAR - 1), -1)
    found = []
    for sizes in (below, range(side + 1, side + FAR + 1)):
        found += list(islice((size for size in sizes if _sees_all(build, size)), 1))
    return found


def _sees_all(build: Callable[[int], nn.Module], side: int) -> bool:
    try:
        return _corners_reach(build(side), side, side)
    except REFUSALS:
        return False


def _corners_reach(model: nn.Module, height: int, width: int) -> bool:
    last, first = (height - 1, height, width - 1, width), (0, 1, 0, 1)
    return all(_reach(model, height, width, corner) for corner in (last, first))


@torch.inference_mode()
def _reach(model: nn.Module, height: int, width: int, box: Box) -> bool:
    """Is the output no number when the pixels of a box are none?"""
    top, bottom, left, right = box
    image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    image[:, :, top:bottom, left:right] = torch.nan
    return bool(model.eval()(image).isnan().any())
