"""Confusion matrix plot: probs and targets to a PNG, for 2 to a few hundred classes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from common.metrics import Probs
from common.reporting.canvas import (
    DPI,
    INK,
    LETTER,
    QUIET,
    RIGHT,
    SMALL,
    TEXT,
    WRONG,
    new_figure,
    save,
    short,
    title_width,
    write_title,
)
from common.targets import Targets

Counts = npt.NDArray[np.int64]

ANNOTATED = 20  # classes; with more, a count no longer fits its cell
NAMED = 45  # class names along an axis
NAME = 20  # letters of a class name along an axis
PAIRS = 15


def confusion(probs: Probs, targets: Targets, classes: Sequence[str], path: Path) -> None:
    """Draw the confusion matrix: a row is a true class, coloured by its share of predictions.

    Up to 20 classes every cell shows its count; beyond, some ticks are named and the 15 most
    confused pairs are listed beside the matrix.

    Args:
        probs: probabilities [N, C].
        targets: class indices [N].
        classes: the C class names.
        path: the PNG to write.
    """
    size = len(classes)
    counts: Counts = np.bincount(
        targets * size + probs.argmax(axis=1), minlength=size * size
    ).reshape(size, size)
    annotated = size <= ANNOTATED
    title = (
        f"Confusion: n = {len(targets):,}, accuracy {(probs.argmax(axis=1) == targets).mean():.4f}"
    )
    side = min(1000, max(300, 62 * size)) if annotated else 900
    names = 60 + LETTER * min(NAME, max(len(name) for name in classes))
    above, beside = 80, 40 if annotated else 440
    width, height = max(names + side + beside, title_width(title), 620), above + side + names
    figure = new_figure(width, height)
    axes = figure.add_axes((names / width, names / height, side / width, side / height))
    _draw_shares(axes, counts)
    _name_classes(axes, classes)
    if annotated:
        _write_counts(axes, counts)
    else:
        _list_pairs(figure, counts, classes, at=((names + side + 50) / width, 1 - above / height))
    legend = (
        "row: true class; green: right, red: wrong; the darker, the larger the share of the row"
    )
    write_title(figure, title, legend)
    save(figure, path)


def _shares(counts: Counts) -> npt.NDArray[np.float64]:
    """Counts normalised by row; all 0 for a class without rows."""
    shares: npt.NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shares


def _draw_shares(axes: Any, counts: Counts) -> None:
    from matplotlib.colors import PowerNorm

    shares = _shares(counts)
    right = np.eye(len(counts), dtype=bool)
    # Square-root colour scale: on a linear one an error in fifty would be invisible.
    errors = PowerNorm(0.5, vmin=0, vmax=0.7, clip=True)
    style = {"interpolation": "nearest", "aspect": "equal"}
    axes.imshow(
        np.ma.masked_array(shares, right | (counts == 0)), cmap="Reds", norm=errors, **style
    )
    axes.imshow(np.ma.masked_array(shares, ~right), cmap="Greens", vmin=0, vmax=1.25, **style)


def _name_classes(axes: Any, classes: Sequence[str]) -> None:
    step = -(-len(classes) // NAMED)
    places = np.arange(0, len(classes), step)
    names = [short(classes[int(place)], NAME) for place in places]
    size = TEXT if len(classes) <= ANNOTATED else SMALL
    axes.set_xticks(places, names, rotation=90, size=size, color=INK)
    axes.set_yticks(places, names, size=size, color=INK)
    axes.set_xlabel("predicted", size=TEXT + 1, color=QUIET)
    axes.set_ylabel("true", size=TEXT + 1, color=QUIET)
    axes.tick_params(length=2, color=QUIET)
    for spine in axes.spines.values():
        spine.set_color(QUIET)


def _write_counts(axes: Any, counts: Counts) -> None:
    shares = _shares(counts)
    for true, predicted in np.argwhere(counts):
        dark = shares[true, predicted] > (0.6 if true == predicted else 0.3)
        axes.text(
            predicted,
            true,
            f"{counts[true, predicted]:,}",
            ha="center",
            va="center",
            size=TEXT,
            color="white" if dark else INK,
        )


def _list_pairs(
    figure: Any, counts: Counts, classes: Sequence[str], *, at: tuple[float, float]
) -> None:
    left, top = at
    width, height = figure.get_size_inches() * DPI
    errors = counts * ~np.eye(len(counts), dtype=bool)
    order = np.argsort(-errors, axis=None, kind="stable")[:PAIRS]
    pairs = [divmod(int(flat), len(counts)) for flat in order if errors.flat[flat]]
    heading = "Most confused pairs (true, predicted)" if pairs else "No pair is confused"
    figure.text(left, top, heading, size=TEXT + 1, color=INK, weight="bold", va="top")
    for place, (true, predicted) in enumerate(pairs, start=1):
        line = top - (8 + 38 * place) / height
        share = f"{errors[true, predicted]:,} of {counts[true].sum():,}"
        figure.text(left, line, share, size=TEXT, color=QUIET, va="top")
        for row, (index, color) in enumerate(((true, RIGHT), (predicted, WRONG))):
            below = line - 16 * row / height
            name = short(classes[index], 34)
            figure.text(left + 110 / width, below, name, size=TEXT, color=color, va="top")
