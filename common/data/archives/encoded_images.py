"""Read encoded images by path, from files and from the image packs of archives."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from common.data.archives.pack import Pack, packs_of

NO_PACK = -1
Rows = dict[str, tuple[int, int]]


class Encoded(Sequence[bytes]):
    """The encoded bytes of the images at some paths, each read when it is indexed.

    A path names an image of a pack when a folder above it has packs and one of them holds it; else
    it names a file. Reading is safe from several threads.

    Attributes:
        paths: as given, as text.
    """

    def __init__(self, paths: Sequence[str | Path]) -> None:
        self.paths = [str(path) for path in paths]
        self._packs: list[Pack] = []
        self._pack = np.full(len(self.paths), NO_PACK, np.int32)
        self._row = np.zeros(len(self.paths), np.int64)
        self._look_up()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: Any) -> Any:
        """The bytes of one image, or some of the images.

        Raises:
            OSError: there is no such file, or it cannot be read.
        """
        if isinstance(index, slice):
            return Encoded(self.paths[index])
        if self._pack[index] == NO_PACK:
            return Path(self.paths[index]).read_bytes()
        return self._packs[self._pack[index]][self._row[index]]

    def known(self, index: int) -> tuple[str, int, tuple[int, int], int] | None:
        """Digest, encoded bytes, declared shape and channels of a packed image; None for a file."""
        if self._pack[index] == NO_PACK:
            return None
        pack, row = self._packs[self._pack[index]], int(self._row[index])
        height, width = pack.shapes[row].tolist()
        flags = int(pack.channels[row])
        return pack.digest(row), int(pack.sizes[row]), (height, width), flags

    def _look_up(self) -> None:
        """Find the pack and row of every path; the packs' names are not kept."""
        below: dict[str, tuple[str, Rows]] = {}
        of_root: dict[Path, Rows] = {}
        for position, path in enumerate(self.paths):
            parent, name = os.path.split(path)
            if parent not in below:
                below[parent] = self._nearest_packs(Path(os.path.normpath(parent)), of_root)
            within, rows = below[parent]
            if found := rows.get(within + name):
                self._pack[position], self._row[position] = found

    def _nearest_packs(self, parent: Path, of_root: dict[Path, Rows]) -> tuple[str, Rows]:
        """The path from the nearest folder with packs down to `parent`, and the rows of its packs."""
        for root in (parent, *parent.parents):
            if root not in of_root:
                of_root[root] = self._rows(root)
            if of_root[root]:
                within = PurePath(parent).relative_to(root).as_posix()
                return ("" if within == "." else f"{within}/"), of_root[root]
        return "", {}

    def _rows(self, root: Path) -> Rows:
        """Number of the pack and row in it, by path below the root."""
        rows: Rows = {}
        for folder in packs_of(root):
            number = len(self._packs)
            self._packs.append(Pack(folder))
            names = self._packs[-1].names()
            rows |= {name: (number, row) for row, name in enumerate(names)}
        return rows
