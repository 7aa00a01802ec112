"""Shared plot style on matplotlib: colours, fonts, pixel-sized figures and image grids."""

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from common.storage import replacing

Image = npt.NDArray[np.uint8]

INK, QUIET, LINES = "#22262b", "#6b7280", "#e3e6ea"
RIGHT, WRONG = "#1f6f43", "#b3372f"
# Paul Tol's muted scheme: ten hues that colour-blind readers can tell apart.
HUES = (
    "#332288",
    "#cc6677",
    "#117733",
    "#d9a520",
    "#44aa99",
    "#882255",
    "#88ccee",
    "#999933",
    "#aa4499",
    "#555555",
)
DPI = 120
LETTER = 8  # pixels that a letter of TEXT takes, on the average
TITLE, TEXT, SMALL = 12.0, 8.0, 6.5
MARGIN = 14
TILE = 220  # a picture with its caption: 30 letters of TEXT


def new_figure(width: float, height: float) -> Any:
    """An empty matplotlib Figure of `width` × `height` pixels, outside any global state."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")


def title_width(title: str) -> int:
    """The figure width in pixels that a title needs."""
    return 2 * MARGIN + round(12.5 * len(title))


def write_title(figure: Any, title: str, below: str = "") -> None:
    """Write a title in the upper left corner, and a grey subtitle below it."""
    width, height = figure.get_size_inches() * DPI
    left = MARGIN / width
    figure.text(left, 1 - 26 / height, title, size=TITLE, color=INK, weight="bold", va="center")
    figure.text(left, 1 - 50 / height, below, size=TEXT, color=QUIET, va="center")


def style_axes(axes: Any) -> None:
    """Style axes: no box, pale grid, small grey ticks."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(QUIET)
    axes.grid(visible=True, color=LINES, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=QUIET, labelsize=TEXT, length=3)
    axes.yaxis.get_offset_text().set(size=SMALL, color=QUIET)


def save(figure: Any, path: Path) -> None:
    """Write a figure as a PNG, atomically.

    Raises:
        KitError: the folder of `path` cannot be written.
    """
    with replacing(path) as temporary, warnings.catch_warnings():
        # A class name may use a script that the built-in font lacks: a box is drawn instead.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(temporary, format="png", dpi=DPI, metadata={"Software": None})


def short(name: str, limit: int) -> str:
    """Shorten a name to `limit` characters by an ellipsis in the middle, escaped for matplotlib."""
    plain = " ".join(str(name).split())
    if len(plain) > limit:
        tail = (limit - 1) // 2
        plain = f"{plain[: limit - 1 - tail]}…{plain[len(plain) - tail :]}"
    return plain.replace("$", r"\$")  # matplotlib reads text between dollars as a formula


def image_grid(
    images: Sequence[Image], *, columns: int, captions: int, title: str
) -> tuple[Any, Any]:
    """A grid figure of images in reading order, with room for captions below each.

    Args:
        images: uint8 [H, W, 3]; small ones are enlarged by an integer factor without
            interpolation; large ones are shrunk smoothly.
        columns: image_grid in a row.
        captions: lines of text below each picture.
        title: drawn above all.

    Returns:
        The figure and a function `caption(tile, line, text, **style)` that writes below a tile.
    """
    largest = max(max(image.shape[:2]) for image in images)
    side = largest * max(1, round(TILE / largest)) if largest <= TILE else TILE
    tall = round(side * max(image.shape[0] for image in images) / largest)
    cell, margin, line, top = max(side, TILE), MARGIN, 15, 52
    below = captions * line + 16
    rows = math.ceil(len(images) / columns)
    width = max(margin + columns * (cell + margin), title_width(title))
    height = top + rows * (tall + below) + margin
    figure = new_figure(width, height)
    write_title(figure, title)

    def corner(tile: int) -> tuple[int, int]:
        row, column = divmod(tile, columns)
        return margin + column * (cell + margin), height - top - row * (tall + below)

    for tile, image in enumerate(images):
        left, upper = corner(tile)
        axes = figure.add_axes((left / width, (upper - tall) / height, side / width, tall / height))
        enlarged = max(image.shape[:2]) <= side
        axes.imshow(image, interpolation="nearest" if enlarged else "hanning")
        axes.set_axis_off()
        axes.set_anchor("NW")

    def caption(tile: int, row: int, text: str, **style: Any) -> None:
        left, upper = corner(tile)
        place = (upper - tall - 5 - row * line) / height
        figure.text(left / width, place, text, va="top", **{"size": TEXT, "color": INK, **style})

    return figure, caption
