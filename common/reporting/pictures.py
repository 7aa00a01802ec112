"""Pictures in the run folder: learning curves, what the network saw, where it errs."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from common.metrics import Probs, Targets
from common.reporting.canvas import (
    QUIET,
    RIGHT,
    WRONG,
    Image,
    save,
    short,
    tiles,
)
from common.reporting.curves import learning_curves
from common.reporting.matrix import confusion

__all__ = [
    "augmented_batch",
    "confusion",
    "learning_curves",
    "least_certain",
    "worst",
    "worst_mistakes",
]

Rows = npt.NDArray[np.int64]

TILES = 36
LETTERS = 30  # of a caption below a tile


def augmented_batch(images: Image, labels: Sequence[str], path: Path) -> None:
    """Draw the first images of a batch as the network sees them, each above its label.

    Args:
        images: uint8 [N, H, W, 3], augmented, before normalisation.
        labels: a text for each image; two lines are drawn at most.
        path: the PNG to write.
    """
    assert len(images) == len(labels) and len(images), (len(images), len(labels))
    assert images.dtype == np.uint8 and images.shape[3] == 3, (images.dtype, images.shape)
    shown = min(len(images), TILES)
    side = images.shape[1]
    title = f"What the network sees: {shown} of a batch of {len(images)}, {side} px, augmented"
    figure, caption = tiles(list(images[:shown]), columns=min(6, shown), captions=2, title=title)
    for tile, label in enumerate(labels[:shown]):
        first, mixed, second = str(label).partition(" + ")
        two = mixed and len(label) > LETTERS
        for line, text in enumerate((first, f"+ {second}") if two else (label,)):
            caption(tile, line, short(text, LETTERS))
    save(figure, path)


def worst(probs: Probs, targets: Targets, count: int) -> Rows:
    """The rows whose largest probability is a wrong class's, the most confident first.

    Args:
        probs: probabilities [N, C].
        targets: class indices [N].
        count: how many rows at most.

    Returns:
        Row numbers, fewer than `count` (or none) where there are fewer mistakes. Rows equally
        confident are ordered by the truth's probability, least first, then by row.
    """
    truth = probs[np.arange(len(probs)), targets]
    order = np.lexsort((truth, -probs.max(axis=1)))
    mistaken = probs.argmax(axis=1) != targets
    rows: Rows = order[mistaken[order]][:count].astype(np.int64)
    return rows


def least_certain(probs: Probs, targets: Targets, count: int) -> Rows:
    """The rows with the least probability for the truth, least first: row numbers."""
    truth = probs[np.arange(len(probs)), targets]
    rows: Rows = np.argsort(truth, kind="stable")[:count].astype(np.int64)
    return rows


def worst_mistakes(
    images: Callable[[int], Image],
    ids: Sequence[str],
    probs: Probs,
    targets: Targets,
    classes: Sequence[str],
    path: Path,
    count: int = 24,
) -> None:
    """Draw the mistakes made with most confidence, or, where there are none, the closest calls.

    Args:
        images: row number to its picture, uint8 [H, W, 3].
        ids: the rows' ids [N].
        probs: probabilities [N, C].
        targets: class indices [N].
        classes: the C class names.
        path: the PNG to write.
        count: how many rows are drawn at most.
    """
    rows = worst(probs, targets, count)
    mistakes = int((probs.argmax(axis=1) != targets).sum())
    title = f"The {len(rows)} most confident of {mistakes:,} mistakes in {len(probs):,} rows"
    if not mistakes:
        rows = least_certain(probs, targets, count)
        title = f"No mistakes in {len(probs):,} rows: the {len(rows)} least certain"
    pictures = [images(int(row)) for row in rows]
    figure, caption = tiles(pictures, columns=min(6, len(rows)), captions=3, title=title)
    for tile, row in enumerate(rows):
        said, true = int(probs[row].argmax()), int(targets[row])
        caption(tile, 0, short(ids[row], 36), size=6, color=QUIET, family="monospace")
        for line, (word, index) in enumerate((("true", true), ("said", said)), start=1):
            text = f"{word} {short(classes[index], LETTERS - 9)} {probs[row, index]:.2f}"
            caption(tile, line, text, color=RIGHT if index == true else WRONG)
    save(figure, path)
