"""Bit depth of a data set's images of more than 8 bits: 10 or 12, say, in 16-bit files.

It is one number for all images, so that their brightness can be compared; the test set is read with
that of the training set.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from common.data.parallel import in_order
from common.data.pixels.channels import DEEP
from common.data.pixels.file_scan import FileScan
from common.data.pixels.flatten_alpha import FILE_BITS, UndecodableError, largest_value
from common.data.pixels.repair import repaired
from common.progress import bar
from common.storage import locked, replacing

VERSION = 1
DEPTHS = (8, 10, 12, 14, FILE_BITS)  # of cameras and scanners; what lies between needs the next


@dataclass(frozen=True)
class Depth:
    """How the images of more than 8 bits are read.

    Attributes:
        bits: 8 to 16, the bits of their values; 0 where there are no such images.
        largest: int64 [N], the largest value of each, 0 for images of 8 bits.
    """

    bits: int
    largest: npt.NDArray[np.int64]

    @property
    def beyond(self) -> npt.NDArray[np.intp]:
        """The rows with values that these bits cannot hold."""
        return np.flatnonzero(self.largest >= 1 << self.bits)


def read_depth(facts: FileScan, bits: int, cache: Path, threads: int) -> Depth:
    """Look through the deep images, or read what an earlier call saw in the same ones.

    Args:
        facts: of the table.
        bits: what their values need, where it is known; 0: as many as the largest one needs.
        cache: a writable folder; what was seen goes to `values/<key>.npy` in it.
        threads: how many files are read at once.
    """
    deep = np.flatnonzero(facts.channels & DEEP)
    largest = np.zeros(len(facts.ids), np.int64)
    if not len(deep):
        return Depth(0, largest)
    words = [f"values {VERSION}", *(facts.digests[row] for row in deep)]
    key = hashlib.blake2b("\n".join(words).encode(), digest_size=16).hexdigest()
    path = cache / "values" / f"{key}.npy"
    if not path.is_file():
        with locked(path), replacing(path) as temporary, temporary.open("wb") as file:
            np.save(file, _look(facts, deep, threads))
    largest[deep] = np.load(path)
    return Depth(bits or bits_for(int(largest.max())), largest)


def bits_for(value: int) -> int:
    """The usual depth that holds a value."""
    return next(bits for bits in DEPTHS if value < 1 << bits)


def _look(facts: FileScan, rows: npt.NDArray[np.intp], threads: int) -> npt.NDArray[np.int64]:
    def largest(row: int) -> int:
        try:
            return largest_value(repaired(facts.images[row])[0], int(facts.channels[row]))
        except (OSError, UndecodableError):
            return 0  # it is named when it is decoded

    found = np.zeros(len(rows), np.int64)
    with bar(len(rows), "looking for the largest value") as progress:
        for at, value in enumerate(in_order(largest, rows.tolist(), threads)):
            found[at] = value
            progress.update()
    assert found.max() < 1 << FILE_BITS
    return found
