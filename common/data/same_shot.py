"""Do two images show the same shot? They are laid upon each other and compared place by place.

The alignment is the affine map that maximises the correlation (Evangelidis and Psarakis 2008, as in
OpenCV). The likeness is the mean over all structured places of the local correlation, as in the
structure term of SSIM (Wang et al. 2004): a silhouette on a plain ground counts by its place, not
by its contrast, and so two ships under two skies stay two ships.
"""

import math

import cv2
import numpy as np
import numpy.typing as npt

from common.data.candidates import SIDE, View, matched, structure, thumbnail
from common.data.decode import Pixels

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

LIKE = 0.79  # least likeness
COLOURS = 0.65  # least share of the structure that one linear map of the colours explains
STRETCH, TURN, SCALE = 0.2, 0.08, 0.4  # largest |log| of the aspect, angle, |log| of the scale
OVERLAP = 0.4  # least share of the second image that the first covers
TEXTURE = 0.1  # least share of structured places: a plain ground looks like any other
QUIET = 4.0  # variance of grey levels that compression alone makes
DETAIL = 64  # side of the squeezed images where the originals have as many pixels
NEVER = math.inf
_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
_LOOK = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


def distance(first: Pixels, second: Pixels, view: View) -> float:
    """1 - likeness of two images, or infinity where they are not the same shot.

    Args:
        first: uint8 [H, W, 3].
        second: uint8 [H, W, 3]; the two need not have one size.
        view: how `candidates` looked at the first.
    """
    side = DETAIL if min(*first.shape[:2], *second.shape[:2]) >= DETAIL else SIDE
    if view.mirrored:
        second = second[:, ::-1]
    begin = _begin(first, second, view)
    colours = [np.asarray(thumbnail(image, side), np.float32) for image in (first, second)]
    greys = [cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY) for colour in colours]
    shapes = [structure(grey) for grey in greys]
    begin[:, 2] = (begin[:, 2] + (begin[:, 0] - 1) / 2) * side / SIDE - (begin[:, 0] - 1) / 2
    try:
        _, found = cv2.findTransformECC(
            shapes[1], shapes[0], begin, cv2.MOTION_AFFINE, _STEPS, None, 3
        )
    except cv2.error:  # it did not converge
        return NEVER
    if not _is_plausible(found):
        return NEVER
    covered = cv2.warpAffine(np.ones((side, side), np.float32), found, (side, side), flags=_LOOK)
    inside = covered > 0.99
    if inside.mean() < OVERLAP:
        return NEVER
    laid = cv2.warpAffine(
        colours[0], found, (side, side), flags=_LOOK, borderMode=cv2.BORDER_REPLICATE
    )
    likeness, texture = _likeness(cv2.cvtColor(laid, cv2.COLOR_RGB2GRAY), greys[1], inside)
    if texture < TEXTURE or likeness < LIKE or _colours(laid, colours[1], inside) < COLOURS:
        return NEVER
    return round(1 - likeness, 4)


def _begin(first: Pixels, second: Pixels, view: View) -> Floats:
    """The coarse map from places of the second thumbnail to places of the first [2, 3]."""
    greys = [
        cv2.cvtColor(thumbnail(image), cv2.COLOR_RGB2GRAY).astype(np.float32)
        for image in (first, second)
    ]
    straight = View(view.right, view.down, view.zoom)  # the second is mirrored already
    _, zoom, right, down = matched(structure(greys[0]), structure(greys[1]), straight)
    return np.array([[zoom, 0, right], [0, zoom, down]], np.float32)


def _is_plausible(found: Floats) -> bool:
    """Is the map what a copy may have gone through: moved, resized, hardly stretched or turned?"""
    large, small = np.linalg.svd(found[:, :2], compute_uv=False).tolist()
    if small <= 0:
        return False
    turn = math.atan2(found[1, 0] - found[0, 1], found[0, 0] + found[1, 1])
    scale = math.log(large * small) / 2
    return math.log(large / small) < STRETCH and abs(turn) < TURN and abs(scale) < SCALE


def _likeness(first: Floats, second: Floats, inside: Mask) -> tuple[float, float]:
    """The mean local correlation over structured places, and the share of these places."""
    share = inside.astype(np.float32)
    sigma = 2 * len(first) / SIDE

    def local(values: Floats) -> Floats:
        blurred = cv2.GaussianBlur(values * share, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
        return np.asarray(blurred / weight)

    weight = np.maximum(cv2.GaussianBlur(share, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), 1e-3)
    one, other = (
        cv2.GaussianBlur(grey, (0, 0), 0.5, borderType=cv2.BORDER_REFLECT)
        for grey in (first, second)
    )
    mean, means = local(one), local(other)
    spread = np.maximum(local(one * one) - mean**2, 0)
    spreads = np.maximum(local(other * other) - means**2, 0)
    both = local(one * other) - mean * means
    agree = both / np.sqrt((spread + QUIET) * (spreads + QUIET))
    most = np.maximum(spread, spreads)
    structured = most / (most + QUIET)
    texture = float(structured[inside].mean())
    return float(agree[inside].mean()) / max(texture, 1e-6), texture


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
