"""Arrays kept in memory up to a number of bytes, and beyond it in files of a temporary folder."""

import shutil
import tempfile
import weakref
from typing import Any

import numpy as np
import numpy.typing as npt


class Shelf:
    """Where arrays lie that are needed again; its files are gone with it."""

    def __init__(self, limit: float) -> None:
        self._left, self._folder = limit, ""

    def keep(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The same array, memory-mapped where it found no place in memory."""
        if array.nbytes <= self._left:
            self._left -= array.nbytes
            return array
        if not self._folder:
            self._folder = tempfile.mkdtemp(prefix="kit-heads-")
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".npy", delete=False) as file:
            np.save(file, array)
        found: npt.NDArray[Any] = np.load(file.name, mmap_mode="r")
        return found
