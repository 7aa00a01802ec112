"""Arrays kept in memory up to a number of bytes, and beyond it in temporary files."""

import tempfile
import weakref
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

# Bytes of a file. Each that is mapped takes one of the files that a process may have open.
FILE_BYTES = 2**28
ALIGNED = 64  # bytes


class Shelf:
    """Where arrays lie that are needed again; its files have no name, so that none is left behind."""

    def __init__(self, limit: float) -> None:
        self._left, self._lock = limit, Lock()
        self._file: Any = None
        self._mapped, self._used = np.zeros(0, np.uint8), 0

    def keep(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The same array, memory-mapped where it found no place in memory."""
        if array.flags.f_contiguous and not array.flags.c_contiguous:
            return self.keep(array.T).T  # the order of its values is that of sums over it
        with self._lock:
            if array.nbytes <= self._left:
                self._left -= array.nbytes
                return array
            return self._written(np.ascontiguousarray(array))

    def _written(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        start = -(-self._used // ALIGNED) * ALIGNED
        if start + array.nbytes > len(self._mapped):
            start, size = 0, max(FILE_BYTES, array.nbytes)
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the shelf)
            weakref.finalize(self, self._file.close)
            self._file.truncate(size)
            self._mapped = np.memmap(self._file, np.uint8, "r")
        self._file.seek(start)
        self._file.write(array.data)  # unlike the mapping, it tells of a full disk
        self._file.flush()
        self._used = start + array.nbytes
        place = self._mapped[start : self._used]
        return place.view(array.dtype).reshape(array.shape)
