"""A run folder's plots: augmented batch, most confident mistakes; re-exports curves and confusion matrix."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from common.metrics import Probs
from common.reporting.answers import roc_curves, scatter
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
from common.targets import Target, Targets
from common.targets.target import one_hot

__all__ = [
    "PICTURES",
    "Judged",
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


@dataclass(frozen=True)
class Judged:
    """Rows [N] with their out-of-fold probs [N, C], true answers and images (row number to uint8)."""

    ids: Sequence[str]
    probs: Probs
    y: Targets
    target: Target
    image: Callable[[int], Image]


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
    title = f"What the network sees: {shown} of a batch of {len(images)}, {side} px"
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


def worst_rows(judged: Judged, path: Path, count: int = 24) -> None:
    """Draw the rows with the largest loss, each with its true answer and the predicted one.

    Args:
        judged: out-of-fold rows of any target.
        path: the PNG to write.
        count: how many rows are drawn at most.
    """
    target = judged.target
    losses = target.row_losses(judged.probs, judged.y)
    rows = np.argsort(-losses, kind="stable")[:count]
    title = f"The {len(rows)} rows with the largest loss of {len(losses):,}"
    images = [judged.image(int(row)) for row in rows]
    figure, caption = image_grid(images, columns=min(6, len(rows)), captions=3, title=title)
    for tile, row in enumerate(rows):
        caption(tile, 0, short(judged.ids[row], 36), size=6, color=QUIET, family="monospace")
        caption(tile, 1, f"true {short(target.told(judged.y[row]), LETTERS - 5)}", color=RIGHT)
        caption(tile, 2, f"said {short(target.said(judged.probs[row]), LETTERS - 5)}", color=WRONG)
    save(figure, path)


def _confusion(judged: Judged, folder: Path) -> None:
    names, probs = judged.target.names, judged.probs
    said = one_hot(judged.target.answers(probs, "index"), len(names)).astype(np.float32)
    confusion(said, judged.y, names, folder / "confusion.png")


def _worst_mistakes(judged: Judged, folder: Path) -> None:
    path = folder / "worst_mistakes.png"
    worst_mistakes(judged.image, judged.ids, judged.probs, judged.y, judged.target.names, path)


def _curves(judged: Judged, folder: Path) -> None:
    roc_curves(judged.probs, judged.y, judged.target.names, folder / "curves.png")


def _scatter(judged: Judged, folder: Path) -> None:
    scatter(judged.probs, judged.y, judged.target.names, folder / "scatter.png")


# By the names that targets give them: each draws one file into a folder.
PICTURES: Mapping[str, Callable[[Judged, Path], None]] = {
    "confusion": _confusion,
    "worst_mistakes": _worst_mistakes,
    "worst_rows": lambda judged, folder: worst_rows(judged, folder / "worst_mistakes.png"),
    "curves": _curves,
    "scatter": _scatter,
}
