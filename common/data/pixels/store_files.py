"""A store's two files, appended to; an interrupted write is resumed.

`pixels.bin` has the images' RGB bytes one after another, `shapes.bin` the height and width of each.
A shape is written after its pixels are on the disk, so every row in `shapes.bin` is complete;
pixels beyond it are truncated and written again.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from common.data.pixels.decode import Pixels

PIXELS, SHAPES, MENDED = "pixels.bin", "shapes.bin", "mended.txt"
SHAPE = np.dtype(("<i8", 2))
# Larger images than this are written without being copied into the buffer.
BUFFER = 1 << 16
# Waiting for the disk takes milliseconds: once for so many bytes, and at the end.
BYTES_PER_NOTE = 32 << 20

Shapes = npt.NDArray[np.int64]


class StoreAppender:
    """Append images to a store, continuing after the last complete row of an interrupted call.

    Attributes:
        rows: how many images have been appended, by earlier calls too.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> "StoreAppender":
        self.rows = _cut_to_whole_rows(self.folder)
        self._pixels = (self.folder / PIXELS).open("ab", buffering=BUFFER)
        self._shapes = (self.folder / SHAPES).open("ab", buffering=0)
        self._waiting: list[tuple[int, int]] = []
        self._bytes = 0
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._shapes, self._pixels:
            if error is None:
                self._note()

    def append(self, images: Sequence[Pixels]) -> None:
        """Append images after the existing ones."""
        for image in images:
            self._pixels.write(image.data)
            self._waiting.append(image.shape[:2])
            self._bytes += image.nbytes
        self.rows += len(images)
        if self._bytes >= BYTES_PER_NOTE:
            self._note()

    def _note(self) -> None:
        self._pixels.flush()
        os.fsync(self._pixels.fileno())
        self._shapes.write(np.array(self._waiting, SHAPE.base).tobytes())
        self._waiting, self._bytes = [], 0


def _cut_to_whole_rows(folder: Path) -> int:
    """Truncate incomplete rows of a killed call; return the number of complete rows."""
    for name in (PIXELS, SHAPES):
        (folder / name).touch()
    shapes = read_shapes(folder)
    ends = pixel_bytes(shapes).cumsum()
    # After a power cut the end of a file may be nothing but zeros.
    are_there = (ends <= (folder / PIXELS).stat().st_size) & (shapes > 0).all(axis=1)
    rows = int(np.logical_and.accumulate(are_there).sum())
    os.truncate(folder / PIXELS, int(ends[rows - 1]) if rows else 0)
    os.truncate(folder / SHAPES, rows * SHAPE.itemsize)
    return rows


def read_shapes(folder: Path) -> Shapes:
    """Each image's height and width, int64 [N, 2]."""
    return np.fromfile(folder / SHAPES, SHAPE)


def pixel_bytes(shapes: Shapes) -> npt.NDArray[np.int64]:
    """Bytes of each image's pixels, int64 [N]."""
    return 3 * shapes.prod(axis=1)
