"""Fill a store: decode every file on threads, write the pixels in table order."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from common.data.missing_images import why_missing
from common.data.parallel import in_order
from common.data.pixels.channels import DEEP
from common.data.pixels.decode import Pixels, UndecodableError, decode
from common.data.pixels.file_scan import MISSING, FileScan, fault_of
from common.data.pixels.repair import repaired
from common.data.pixels.store_files import MENDED, StoreAppender
from common.errors import KitError
from common.progress import bar

# A task is many small images or a few large ones, so that few large ones wait to be written.
ROWS_PER_TASK = 128
BYTES_PER_TASK = 32 << 20
SPARE_BYTES = 10**9
# Where no header tells an image's shape: pixels take about this many times the encoded bytes.
USUAL_RATIO = 12
NAMED = 10


class UnreadableError(KitError):
    """Files that give no image.

    Attributes:
        faults: by row of the table, why.
    """

    def __init__(self, facts: FileScan, faults: dict[int, str]) -> None:
        self.faults = faults
        self._count = f"{len(faults):,} of {len(facts.ids):,} images cannot be used"
        missing = [facts.images.paths[row] for row in sorted(faults) if faults[row] == MISSING]
        why = why_missing(missing) if 2 * len(missing) > len(faults) else ""
        self._why = f"; {why}" if why else ""
        self._named = _named(facts, faults, 1 if why else NAMED)
        super().__init__(self.told("; download them again or drop their rows"))

    def told(self, remedy: str) -> str:
        """How many and which, and between these the remedy."""
        return f"{self._count}{self._why or remedy}: {self._named}"


def fill(folder: Path, facts: FileScan, *, side: int, bits: int, threads: int) -> None:
    """Decode every file into the store in `folder`, from where an earlier call was stopped.

    Files of more than 8 bits are read as such of `bits`.
    Memory holds about (`threads` + 1) × 32 MB of decoded pixels, besides the image that each
    thread is decoding.

    Raises:
        UnreadableError: files that give no image; all are tried, so that one message names them all.
        KitError: a disk without room.
    """
    expected = _expected_bytes(facts, side)
    faults = dict(facts.faults)
    with (
        StoreAppender(folder) as growing,
        bar(len(expected), "decoding", done=growing.rows) as progress,
        (folder / MENDED).open("a", encoding="utf-8", buffering=1) as mended,
        _opencv_at_rest(),
    ):
        if not faults:
            _check_room(folder.parent, int(expected[growing.rows :].sum()))
        tasks = list(_tasks(expected, growing.rows))
        results = in_order(lambda rows: _decode_rows(rows, facts, side, bits), tasks, threads)
        for rows, (images, found, odd) in zip(tasks, results, strict=True):
            faults = found | faults
            mended.writelines(f"{row} {reason}\n" for row, reason in odd.items())
            if not faults:
                growing.append(images)
            progress.update(len(rows))
        if faults:
            raise UnreadableError(facts, faults)


def _decode_rows(
    rows: range, facts: FileScan, side: int, bits: int
) -> tuple[list[Pixels], dict[int, str], dict[int, str]]:
    """The images of these rows; by row, why there is none, or what is wrong where there is one."""
    images: list[Pixels] = []
    faults: dict[int, str] = {}
    mended: dict[int, str] = {}
    for row in rows:
        try:
            data, reason = repaired(facts.images[row])
            mended |= {row: reason} if reason else {}
            deep = facts.channels[row] & DEEP
            images.append(decode(data, side, bits=bits) if deep else decode(data, side))
        except OSError as error:
            faults[row] = fault_of(error)
        except UndecodableError as error:
            faults[row] = str(error)
    return images, faults, mended


def _expected_bytes(facts: FileScan, side: int) -> npt.NDArray[np.int64]:
    """Bytes of pixels of each image, as far as the headers tell; int64 [N]."""
    shorter = np.maximum(facts.shapes.min(axis=1), 1)
    scale = np.minimum(1.0, side / shorter) if side else np.ones(len(shorter))
    pixels = 3 * facts.shapes.prod(axis=1) * scale**2
    return np.where(pixels > 0, pixels, facts.sizes * USUAL_RATIO).astype(np.int64)


def _check_room(folder: Path, needed: int) -> None:
    # A gigabyte stays free beside large stores; a small one need not leave more than ten of its size.
    free = shutil.disk_usage(folder).free - min(SPARE_BYTES, 10 * needed)
    if needed > free:
        size, unit = (1e9, "GB") if needed >= 1e8 else (1e6, "MB")
        raise KitError(
            f"the decoded images need {needed / size:.1f} {unit} and the disk of {folder.parent} has "
            f"{max(free, 0) / size:.1f} {unit} to spare: free some space, name a cache on another disk "
            "(KIT_CACHE=DIR), or choose a smaller store_short_side="
        )


def _tasks(expected: npt.NDArray[np.int64], start: int) -> Iterator[range]:
    """Rows from `start` on, in runs of at most 128 images and, unless one alone is larger, 32 MB."""
    held = 0
    for row, size in enumerate(expected[start:].tolist(), start):
        if row > start and (row - start >= ROWS_PER_TASK or held + size > BYTES_PER_TASK):
            yield range(start, row)
            start, held = row, 0
        held += size
    if start < len(expected):
        yield range(start, len(expected))


@contextmanager
def _opencv_at_rest() -> Iterator[None]:
    """Keep OpenCV from starting threads inside ours, and from printing what our sentences say."""
    threads, log = cv2.getNumThreads(), cv2.utils.logging
    level = log.getLogLevel()
    cv2.setNumThreads(0)
    log.setLogLevel(log.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        log.setLogLevel(level)
        cv2.setNumThreads(threads)


def _named(facts: FileScan, faults: dict[int, str], most: int) -> str:
    named = [
        f"{facts.ids[row]} ({facts.images.paths[row]}): {faults[row]}" for row in sorted(faults)
    ]
    rest = f"; and {len(named) - most:,} more" if len(named) > most else ""
    return "; ".join(named[:most]) + rest
