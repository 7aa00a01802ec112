"""Input coverage: which pixels of an image influence a network's output, and at which sizes all do.

Measured with NaN pixels: NaN propagates whatever the weights, so a NaN pixel makes the output NaN if any
path leads from it. Gradients would miss paths: they are zero behind an inactive ReLU, a max that another
pixel won, or a zero-initialised branch.
"""

from bisect import bisect_left
from collections.abc import Callable
from itertools import islice

import torch
from torch import nn

# The share of the pixels that has to reach the output. Networks with unpadded convolutions lose a margin
# of a few pixels at most sizes (Inception-v3 at 224: 2.7 %), which is harmless.
MIN_COVERAGE = 0.97
MAX_CHANNELS = 17  # satellite images have up to 16
SEARCH_RADIUS = 64  # pixels around the requested size within which others are tried

# What networks raise for input sizes that they do not accept.
SHAPE_ERRORS = (AssertionError, IndexError, RuntimeError, ValueError, ZeroDivisionError)

Box = tuple[int, int, int, int]  # top, bottom, left, right; bottom and right are past it
Margins = tuple[int, int, int, int]  # rows at the top and bottom, columns at the left and right


def unseen_margins(model: nn.Module, height: int, width: int) -> Margins:
    """The margins (top, bottom, left, right) of an image that cannot influence the output, in pixels.

    Everything between is assumed seen: testing two opposite corner pixels settles most networks.
    """
    if _corners_reach(model, height, width):
        return 0, 0, 0, 0
    top, bottom, left, right = (_hidden(model, height, width, edge) for edge in range(4))
    if top == height:  # NaN does not propagate: coverage is unknown
        return 0, 0, 0, 0
    return top, bottom, left, right


@torch.inference_mode()
def accepted_channels(model: nn.Module, side: int) -> int:
    """The number of input channels that a network accepts at this image side; 0 if none works."""
    for count in (3, *range(1, MAX_CHANNELS)):
        try:
            model.eval()(torch.zeros(1, count, side, side))
            return count
        except SHAPE_ERRORS:
            continue
    return 0


def _hidden(model: nn.Module, height: int, width: int, edge: int) -> int:
    """How many rows or columns at an edge (0 to 3: top, bottom, left, right) do not reach the output."""

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


def coverage(margins: Margins, height: int, width: int) -> float:
    """The share (0 to 1) of an image's pixels that lie inside the margins."""
    top, bottom, left, right = margins
    return (height - top - bottom) * (width - left - right) / (height * width)


def nearest_full_coverage_sizes(
    build: Callable[[int], nn.Module], side: int, *, seen: int
) -> list[int]:
    """The nearest image sides below and above `side` at full coverage: none, one or two.

    Args:
        build: creates the network for an image side.
        seen: pixels of `side` that reach the output, tried first below it; `side` itself where the network
            does not accept it.
    """
    below = range(min(seen, side - 1), max(0, side - SEARCH_RADIUS - 1), -1)
    found = []
    for sizes in (below, range(side + 1, side + SEARCH_RADIUS + 1)):
        found += list(islice((size for size in sizes if _sees_all(build, size)), 1))
    return found


def _sees_all(build: Callable[[int], nn.Module], side: int) -> bool:
    try:
        return _corners_reach(build(side), side, side)
    except SHAPE_ERRORS:
        return False


def _corners_reach(model: nn.Module, height: int, width: int) -> bool:
    last, first = (height - 1, height, width - 1, width), (0, 1, 0, 1)
    return all(_reach(model, height, width, corner) for corner in (last, first))


@torch.inference_mode()
def _reach(model: nn.Module, height: int, width: int, box: Box) -> bool:
    """Is the output NaN when the pixels of a box are?"""
    top, bottom, left, right = box
    image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    image[:, :, top:bottom, left:right] = torch.nan
    return bool(model.eval()(image).isnan().any())
