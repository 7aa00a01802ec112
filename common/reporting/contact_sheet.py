"""Contact sheet of image pairs (near-duplicates), for visual inspection."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from common.reporting.canvas import QUIET, TILE, Image, image_grid, save, short

GAP = 4  # white pixels between the two images of a pair


def contact_sheet(
    pairs: Sequence[tuple[Image, Image]],
    captions: Sequence[tuple[str, str]],
    title: str,
    path: Path,
) -> None:
    """Draw image pairs side by side to a PNG, each with a two-line caption.

    Args:
        pairs: at least one; uint8 [H, W, 3] each.
        captions: two lines for each pair.
        title: drawn above all.
        path: the PNG to write.
    """
    assert len(pairs) == len(captions) and pairs, (len(pairs), len(captions))
    drawn = [_beside(*pair) for pair in pairs]
    figure, caption = image_grid(drawn, columns=min(6, len(pairs)), captions=2, title=title)
    for tile, lines in enumerate(captions):
        for line, text in enumerate(lines):
            style = {"size": 6, "color": QUIET, "family": "monospace"} if line else {}
            caption(tile, line, short(text, 36 if line else 30), **style)
    save(figure, path)


def _beside(first: Image, second: Image) -> Image:
    """Both images, each fitted into half of a tile."""
    half = (TILE - GAP) // 2
    room = np.full((half, TILE, 3), 255, np.uint8)
    for image, left in ((first, 0), (second, half + GAP)):
        scale = half / max(image.shape[:2])
        size = [max(1, round(scale * length)) for length in image.shape[:2]]
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
        fitted = cv2.resize(image, (size[1], size[0]), interpolation=how)
        room[: size[0], left : left + size[1]] = fitted
    return room
