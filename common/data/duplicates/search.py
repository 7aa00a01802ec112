"""Near-duplicate candidates: thumbnails to pairs, by low-frequency DCT descriptors and correlation.

An image is described by the 35 lowest DCT coefficients of its grey thumbnail but the mean, weighted
by frequency (natural images have 1/f spectra: so every scale of structure counts) and divided by
their norm, which makes brightness and contrast irrelevant. A window of one image, moved, zoomed or
mirrored, is compared with the plain window of the other. All sums are of whole numbers that a float
holds exactly, so that no number of threads can change what is found.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product

import cv2
import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from common.data.parallel import in_order
from common.data.pixels.decode import Pixels
from common.progress import bar

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

SIDE = 32  # of the thumbnails that are searched
INSIDE = 26.0  # side of the plain window: what is left when an image has moved by a few pixels
STEP = 2.5  # how far a window is moved
ZOOM, SQUEEZE = 1.16, 1.12  # of a window: both ways, one way
FREQUENCIES, FADE = 6, 4.0
BINS = 16
LENGTH = 4000  # of a descriptor: its square is below 2^24, what a float32 counts to exactly
FINE = 4096  # fractions of the resampling weights, for the same reason
ALIKE = 0.8  # least cosine of two descriptors
AGREEING = 0.6  # least correlation of the structure, at the best place
KEPT = 100  # candidates an image keeps at most: a set of look-alikes must not fill the memory
BLOCK = ACROSS = 512


@dataclass(frozen=True)
class WindowTransform:
    """The transform of a pair's first image: a window shifted in pixels, scaled, mirrored."""

    right: float = 0.0
    down: float = 0.0
    wide: float = 1.0
    high: float = 1.0
    mirrored: bool = False


STEPS = (0.0, STEP, -STEP)
MOVES = (
    *((right, down, 1.0, 1.0) for right, down in product(STEPS, STEPS)),
    *((0.0, 0.0, zoom, zoom) for zoom in (ZOOM, 1 / ZOOM)),
    *((0.0, 0.0, squeeze, 1.0) for squeeze in (SQUEEZE, 1 / SQUEEZE)),
    *((0.0, 0.0, 1.0, squeeze) for squeeze in (SQUEEZE, 1 / SQUEEZE)),
)
VIEWS = tuple(WindowTransform(*move, mirrored) for mirrored, move in product((False, True), MOVES))


def thumbnail(image: Pixels, side: int = SIDE) -> Pixels:
    """The image squeezed to a square of `side` pixels, RGB uint8 [side, side, 3]."""
    if image.shape[:2] == (side, side):
        return image
    shrinks = min(image.shape[:2]) >= side
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (side, side), interpolation=how), dtype=np.uint8)


def structure(grey: Floats) -> Floats:
    """A grey image without its slow changes of brightness [S, S]."""
    sigma = 3 * len(grey) / SIDE
    slow = cv2.GaussianBlur(grey, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return np.asarray(grey - slow, dtype=np.float32)


def descriptors(greys: Pixels, view: WindowTransform = VIEWS[0]) -> Floats:
    """What a view of each thumbnail shows, as whole numbers of length `LENGTH`: float32 [N, 35].

    Args:
        greys: uint8 [N, 32, 32].
        view: the window that is described.
    """
    wide, high = _projection(view.right, view.wide), _projection(view.down, view.high)
    found = high @ greys.astype(np.float64) @ wide.T
    if view.mirrored:
        found *= (-1.0) ** np.arange(FREQUENCIES)
    frequency = np.hypot(*np.mgrid[:FREQUENCIES, :FREQUENCIES])
    weighted = found * frequency * np.exp(-((frequency / FADE) ** 2) / 2)
    flat = weighted.reshape(len(greys), -1)[:, 1:]
    norm = np.sqrt((flat**2).sum(axis=1, keepdims=True))
    return np.rint(flat / np.maximum(norm, FINE**2) * LENGTH).astype(np.float32)


@cache
def _projection(move: float, zoom: float) -> npt.NDArray[np.float64]:
    """From a line of pixels to the cosines of a window of it [FREQUENCIES, SIDE]."""
    dense = 8 * BINS
    width = INSIDE * zoom
    at = (SIDE - width) / 2 + move + width * (np.arange(dense) + 0.5) / dense - 0.5
    at = np.clip(at, 0, SIDE - 1)
    left = np.minimum(at.astype(int), SIDE - 2)
    cosines = np.cos(np.pi * np.outer(np.arange(FREQUENCIES), (np.arange(dense) + 0.5) / dense))
    weights = np.zeros((FREQUENCIES, SIDE))
    for place, (pixel, part) in enumerate(zip(left, at - left, strict=True)):
        weights[:, pixel] += cosines[:, place] * (1 - part)
        weights[:, pixel + 1] += cosines[:, place] * part
    return np.rint(weights / dense * FINE)


def candidates(first: Pixels, second: Pixels | None = None, threads: int = 2) -> Rows:
    """Candidate pairs to verify: int64 [P, 3] of (row of first, row of second, index into VIEWS).

    Args:
        first: thumbnails uint8 [N, 32, 32, 3].
        second: those of another set [M, 32, 32, 3]; None: pairs within `first`, each once.
        threads: how many blocks are searched at once; the answer is the same for any.
    """
    within = second is None
    greys = [_grey(images) for images in ((first,) if second is None else (first, second))]
    shapes = [np.stack([structure(each) for each in grey.astype(np.float32)]) for grey in greys]
    plain = np.ascontiguousarray(descriptors(greys[-1]).T)

    def searched(block: range) -> Rows:
        rough = _alike(greys[0], block, plain, within=within)
        return rough[_agreement(rough, shapes[0], shapes[-1]) > AGREEING]

    blocks = [range(at, min(at + BLOCK, len(first))) for at in range(0, len(first), BLOCK)]
    kept = []
    # BLAS's own threads wait for each other at every small product: ours never do.
    with threadpool_limits(1, "blas"), bar(len(first), "searching duplicates") as progress:
        for block, found in zip(blocks, in_order(searched, blocks, threads), strict=True):
            kept.append(found)
            progress.update(len(block))
    return np.concatenate(kept)


def _grey(images: Pixels) -> Pixels:
    return np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]).astype(np.uint8)


def _alike(first: Pixels, block: range, plain: Floats, *, within: bool) -> Rows:
    """Pairs of a row of the block and any whose descriptors are alike, each with its best view."""
    least = np.float32(ALIKE * LENGTH**2)
    found = [np.empty((0, 4), np.int64)]
    for number, view in enumerate(VIEWS):
        seen = descriptors(first[block.start : block.stop], view)
        for left in range(block.start if within else 0, plain.shape[1], ACROSS):
            tile = plain[:, left : left + ACROSS]
            cosines = seen @ tile
            places = np.flatnonzero(cosines > least)  # ten times as fast as nonzero of two axes
            if len(places):
                a, b = np.divmod(places, tile.shape[1])
                found.append(_quads(a + block.start, b + left, number, cosines.flat[places]))
    return _best(np.concatenate(found), within=within)


def _quads(a: Rows, b: Rows, view: int, cosine: Floats) -> Rows:
    return np.stack([a, b, np.full(len(a), view), cosine.astype(np.int64)], axis=1)


def _best(found: Rows, *, within: bool) -> Rows:
    """Each pair once, by its best view, and of each row its `KEPT` best pairs."""
    if within:
        found = found[found[:, 0] < found[:, 1]]
    a, b, view, cosine = found.T
    found = found[np.lexsort((view, -cosine, b, a))]
    a, b = found[:, 0], found[:, 1]
    found = found[(np.diff(a, prepend=-1) != 0) | (np.diff(b, prepend=-1) != 0)]
    found = found[np.lexsort((found[:, 1], -found[:, 3], found[:, 0]))]
    begin = np.searchsorted(found[:, 0], found[:, 0])
    return found[np.arange(len(found)) - begin < KEPT, :3]


def _agreement(pairs: Rows, first: Floats, second: Floats) -> Floats:
    """How well the middle of the second image is found again in the first: float32 [P]."""
    best = np.empty(len(pairs), np.float32)
    for place, (a, b, view) in enumerate(pairs.tolist()):
        best[place] = matched(first[a], second[b], VIEWS[view])[0]
    return best


def matched(first: Floats, second: Floats, view: WindowTransform) -> tuple[float, Floats]:
    """The correlation at the best place, and the map [2, 3] that leads there.

    The map takes a place of the second image, mirrored if the view is, to one of the first.
    """
    size = 24
    edge = [round((SIDE - size / zoom) / 2) for zoom in (view.wide, view.high)]
    turned = second[:, ::-1] if view.mirrored else second
    middle = np.ascontiguousarray(turned[edge[1] : SIDE - edge[1], edge[0] : SIDE - edge[0]])
    if middle.shape != (size, size):
        middle = cv2.resize(middle, (size, size), interpolation=cv2.INTER_LINEAR)
    answer = cv2.matchTemplate(first, middle, cv2.TM_CCOEFF_NORMED)
    place = divmod(int(answer.argmax()), answer.shape[1])
    wide, high = (size / (SIDE - 2 * each) for each in edge)
    right, down = (
        start + (size - 1) / 2 - zoom * (SIDE - 1) / 2
        for start, zoom in ((place[1], wide), (place[0], high))
    )
    return float(answer[place]), np.array([[wide, 0, right], [0, high, down]], np.float32)
