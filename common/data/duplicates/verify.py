"""Verify a candidate pair: images are registered, then compared by local correlation.

The alignment is the affine map that maximises the correlation (Evangelidis and Psarakis 2008, as in
OpenCV). The likeness is the mean over all structured places of the local correlation, as in the
structure term of SSIM (Wang et al. 2004): it ignores contrast, so that two different ships under two
skies stay different. The fewer edges, the higher the required similarity; images with hardly any edges
count only when their pixels are equal.
"""

import math
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from common.data.duplicates.search import SIDE, WindowTransform, matched, structure, thumbnail
from common.data.pixels.decode import Pixels

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

ENOUGH = 1.03  # least sum of likeness and, as RICHNESS times it, the share of places with edges
RICHNESS = 0.3
PLAIN = 0.25  # least share of places with edges: silhouettes on plain grounds all look alike
EDGE, FAINT = 0.03, 2.0  # least slope a pixel: as a share of the image's contrast, in grey levels
COLOURS = 0.5  # least share of the structure that one linear map of the colours explains
STRETCH, TURN, SCALE = 0.2, 0.08, 0.4  # largest |log| of the aspect, angle, |log| of the scale
RIM = 1 / 16  # of the side: what moving, scanning and framing leave at the borders does not count
OVERLAP = 0.35  # least share of the second image that the first covers
QUIET = 4.0  # variance of grey levels that compression alone makes
DETAIL = 64  # side of the squeezed images where the originals have as many pixels
NEVER = math.inf
_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
_LOOK = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


def distance(first: Pixels, second: Pixels, view: WindowTransform, edged: float) -> float:
    """1 - similarity of two images after registration; inf where they are no near-duplicates.

    Args:
        first: uint8 [H, W, 3].
        second: uint8 [H, W, 3]; the two need not have one size.
        view: how `candidates` looked at the first.
        edged: the smaller of their `edges`.
    """
    side = min(_side(first), _side(second))
    if view.mirrored:
        second = second[:, ::-1]
    colours = [np.asarray(thumbnail(image, side), np.float32) for image in (first, second)]
    greys = [cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY) for colour in colours]
    found = _aligned(greys, _begin(first, second, view, side))
    if found is None:
        return NEVER
    size = (side, side)
    rim = round(RIM * side)
    middle = np.zeros(size, np.float32)
    middle[rim:-rim, rim:-rim] = 1
    inside = (cv2.warpAffine(middle, found, size, flags=_LOOK) > 0.99) & (middle > 0)
    if inside.mean() < OVERLAP:
        return NEVER
    laid = cv2.warpAffine(colours[0], found, size, flags=_LOOK, borderMode=cv2.BORDER_REPLICATE)
    likeness = _likeness(cv2.cvtColor(laid, cv2.COLOR_RGB2GRAY), greys[1], inside)
    if likeness + RICHNESS * edged < ENOUGH or _colours(laid, colours[1], inside) < COLOURS:
        return NEVER
    return round(1 - likeness, 4)


def edges(image: Pixels) -> float:
    """The share of an image's pixels that are edges: below `PLAIN` similarity means little."""
    grey = cv2.cvtColor(thumbnail(image, _side(image)), cv2.COLOR_RGB2GRAY).astype(np.float32)
    slope = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 8
    dark, bright = np.percentile(grey, (1, 99))
    return float((slope > max(FAINT, EDGE * (bright - dark))).mean())


def _side(image: Pixels) -> int:
    return DETAIL if min(image.shape[:2]) >= DETAIL else SIDE


def _aligned(greys: list[Floats], begin: Floats) -> Floats | None:
    """The map from places of the second image to places of the first; None: there is none."""
    shapes = [structure(grey) for grey in greys]
    try:
        _, found = cv2.findTransformECC(
            shapes[1], shapes[0], begin, cv2.MOTION_AFFINE, _STEPS, None, 3
        )
    except cv2.error:  # it did not converge
        return None
    return np.asarray(found, np.float32) if _is_plausible(found) else None


def _begin(first: Pixels, second: Pixels, view: WindowTransform, side: int) -> Floats:
    """The coarse map from places of the second image to places of the first [2, 3]."""
    greys = [
        cv2.cvtColor(thumbnail(image), cv2.COLOR_RGB2GRAY).astype(np.float32)
        for image in (first, second)
    ]
    straight = replace(view, mirrored=False)  # the second is mirrored already
    _, begin = matched(structure(greys[0]), structure(greys[1]), straight)
    half = (begin.diagonal() - 1) / 2  # places are centres of pixels, of whatever size
    begin[:, 2] = (begin[:, 2] + half) * side / SIDE - half
    return begin


def _is_plausible(found: Floats) -> bool:
    """Is the affine map plausible for a copy: shifted and resized, hardly stretched or rotated?"""
    large, small = np.linalg.svd(found[:, :2], compute_uv=False).tolist()
    if small <= 0:
        return False
    turn = math.atan2(found[1, 0] - found[0, 1], found[0, 0] + found[1, 1])
    scale = math.log(large * small) / 2
    return math.log(large / small) < STRETCH and abs(turn) < TURN and abs(scale) < SCALE


def _likeness(first: Floats, second: Floats, inside: Mask) -> float:
    """The mean local correlation, over the places that are more than quiet in either image."""
    share = inside.astype(np.float32)
    sigma = 2 * len(first) / SIDE
    weight = np.maximum(_blurred(share, sigma), 1e-3)

    def local(values: Floats) -> Floats:
        return np.asarray(_blurred(values * share, sigma) / weight)

    one, other = _blurred(first, 0.5), _blurred(second, 0.5)
    mean, means = local(one), local(other)
    spread = np.maximum(local(one * one) - mean**2, 0)
    spreads = np.maximum(local(other * other) - means**2, 0)
    both = local(one * other) - mean * means
    agree = both / np.sqrt((spread + QUIET) * (spreads + QUIET))
    most = np.maximum(spread, spreads)
    loud = most / (most + QUIET)
    return float(agree[inside].mean()) / max(float(loud[inside].mean()), 1e-6)


def _blurred(grey: Floats, sigma: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), sigma, borderType=cv2.BORDER_REFLECT))


def _colours(first: Floats, second: Floats, inside: Mask) -> float:
    """The share of either's structure that a linear map of the other's colours explains, the less."""
    one, other = (
        np.stack([structure(np.ascontiguousarray(image[..., c])) for c in range(3)], -1)[inside]
        for image in (first, second)
    )
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    return min(_explained(one, other), _explained(other, one))


def _explained(causes: Floats, effects: Floats) -> float:
    ridge = 1e-3 * np.eye(3) * len(causes)
    weights = np.linalg.solve(causes.T @ causes + ridge, causes.T @ effects)
    left = float(((effects - causes @ weights) ** 2).sum())
    return 1 - left / max(float((effects**2).sum()), 1e-6)
