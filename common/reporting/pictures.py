"""A run folder's plots: augmented batch, most confident mistakes; re-exports curves and confusion matrix."""

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
    image_grid,
    save,
    short,
)
from common.reporting.confusion_matrix import confusion
from common.reporting.learning_curves import learning_curves

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
    """Draw a batch's first images as the network sees them, with their labels, to a PNG.

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
    figure, caption = image_grid(
        list(images[:shown]), columns=min(6, shown), captions=2, title=title
    )
    for tile, label in enumerate(labels[:shown]):
        first, mixed, second = str(label).partition(" + ")
        two = mixed and len(label) > LETTERS
        for line, text in enumerate((first, f"+ {second}") if two else (label,)):
            caption(tile, line, short(text, LETTERS))
    save(figure, path)


def worst(probs: Probs, targets: Targets, count: int) -> Rows:
    """The misclassified rows, the most confident first.

    Args:
        probs: probabilities [N, C].
        targets: class indices [N].
        count: how many rows at most.

    Returns:
        Row numbers, at most `count`. Ties are ordered by the true class's probability, lowest
        first, then by row.
    """
    truth = probs[np.arange(len(probs)), targets]
    order = np.lexsort((truth, -probs.max(axis=1)))
    mistaken = probs.argmax(axis=1) != targets
    rows: Rows = order[mistaken[order]][:count].astype(np.int64)
    return rows


def least_certain(probs: Probs, targets: Targets, count: int) -> Rows:
    """The row numbers with the lowest probability of the true class, lowest first."""
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
    """Draw the most confident mistakes to a PNG, or the least certain rows if there are none.

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
    figure, caption = image_grid(pictures, columns=min(6, len(rows)), captions=3, title=title)
    for tile, row in enumerate(rows):
        said, true = int(probs[row].argmax()), int(targets[row])
        caption(tile, 0, short(ids[row], 36), size=6, color=QUIET, family="monospace")
        for line, (word, index) in enumerate((("true", true), ("said", said)), start=1):
            text = f"{word} {short(classes[index], LETTERS - 9)} {probs[row, index]:.2f}"
            caption(tile, line, text, color=RIGHT if index == true else WRONG)
    save(figure, path)
