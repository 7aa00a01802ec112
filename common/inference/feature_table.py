"""Cached features as a table of rows on disk: in memory is what is asked for."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from common.data.folds import Rows

Features = npt.NDArray[np.float32]
AT_ONCE = 1024  # rows of a block that is read


class FeatureTable:
    """Features of every view of N images, [V, N, F], as arrays [V', rows, F] that follow one another.

    Args:
        groups: of each group of views its blocks of rows, in order; memory-mapped, float16 or float32.
    """

    def __init__(self, groups: Sequence[Sequence[npt.NDArray[Any]]]) -> None:
        self._groups = groups
        self._starts = np.cumsum([0, *(block.shape[1] for block in groups[0])])
        self.count = int(self._starts[-1])
        self.views = sum(blocks[0].shape[0] for blocks in groups)
        self.width = int(groups[0][0].shape[2])

    def take(self, rows: Rows, columns: Any = ...) -> Features:
        """Rows [M] in any order, and columns of them: [V, M, F], float32."""
        places, parts = np.searchsorted(self._starts, rows, side="right") - 1, []
        for blocks in self._groups:
            shape = (len(blocks[0]), len(rows), blocks[0][:, :0, columns].shape[2])
            part = np.empty(shape, np.float32)
            for at in np.unique(places):
                mine = places == at
                part[:, mine] = blocks[at][:, rows[mine] - self._starts[at]][:, :, columns]
            parts.append(part)
        return np.concatenate(parts) if len(parts) > 1 else parts[0]

    @staticmethod
    def chunks(rows: Rows) -> Iterator[Rows]:
        """The places in `rows`, a few at a time."""
        for start in range(0, len(rows), AT_ONCE):
            yield np.arange(start, min(start + AT_ONCE, len(rows)))


class TableOfSeveral(FeatureTable):
    """Tables of the same views and images side by side: [V, N, F1 + F2 + …]."""

    def __init__(self, tables: Sequence[FeatureTable]) -> None:
        self._tables = tables
        self.count, self.views = tables[0].count, tables[0].views
        self.width = sum(table.width for table in tables)

    def take(self, rows: Rows, columns: Any = ...) -> Features:
        """Rows [M] in any order, and columns of them, from left to right: [V, M, F], float32."""
        parts, end = [], 0
        for table in self._tables:
            start, end = end, end + table.width
            own = columns
            if columns is not ...:
                own = columns[(columns >= start) & (columns < end)] - start
            parts.append(table.take(rows, own))
        return np.concatenate(parts, axis=2)
