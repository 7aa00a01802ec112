"""The store: a table's decoded pixels, cached by content and size, memory-mapped."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.data.parallel import cores
from common.data.pixels.bit_depth import Depth, read_depth
from common.data.pixels.channels import ALPHA, DEEP
from common.data.pixels.decode import Pixels
from common.data.pixels.file_scan import FileScan, scan_files
from common.data.pixels.store_files import MENDED, PIXELS, pixel_bytes, read_shapes
from common.data.pixels.store_writer import fill
from common.errors import KitError
from common.storage import locked, resumable_folder

FORMAT = 2
FLATTENED = 1  # of the images with an alpha channel or more than 8 bits: the others' stores stay


class Store:
    """RGB uint8 images of a table, in its order, mapped from one flat file.

    `store[i]` is a read-only view [H, W, 3]. It pickles as a path: a process maps the file anew.

    Attributes:
        folder: where the pixel file lies.
        shapes: int64 [N, 2], each image's height and width.
        digests: content hash of each encoded file (32 hex digits), in table order.
        channels: uint8 [N], what `common.data.pixels.channels` finds in each file's header.
        depth: how images of more than 8 bits were read.
    """

    def __init__(
        self,
        folder: Path,
        digests: Sequence[str],
        channels: npt.NDArray[np.uint8] | None = None,
        depth: Depth | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.digests = list(digests)
        count = len(self.digests)
        self.channels = np.zeros(count, np.uint8) if channels is None else channels
        self.depth = depth or Depth(0, np.zeros(count, np.int64))
        self.shapes: npt.NDArray[np.int64] = read_shapes(self.folder)
        ends = np.cumsum(pixel_bytes(self.shapes))
        self._starts = np.concatenate([[0], ends]).astype(np.int64)
        mapped = np.memmap(self.folder / PIXELS, dtype=np.uint8, mode="r")
        # A plain array over the same pages: slicing a memmap costs several times as much.
        self._pixels: Pixels = mapped.view(np.ndarray)

    def __reduce__(self) -> tuple[type["Store"], tuple[object, ...]]:
        return Store, (self.folder, self.digests, self.channels, self.depth)

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, index: int) -> Pixels:
        if not -len(self) <= index < len(self):
            raise IndexError(f"image {index} of a store of {len(self):,}")
        index %= len(self)
        height, width = self.shapes[index]
        start, end = self._starts[index], self._starts[index + 1]
        return self._pixels[start:end].reshape(height, width, 3)

    @property
    def mended(self) -> dict[int, str]:
        """Row to defect of the files that were repaired when they were read."""
        path = self.folder / MENDED
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        return {int(row): reason for row, _, reason in (line.partition(" ") for line in lines)}

    @property
    def uniform(self) -> bool:
        """Do all images have the same shape?"""
        return bool((self.shapes == self.shapes[0]).all())

    def array(self) -> Pixels:
        """All images as one mapped view [N, H, W, 3].

        Raises:
            KitError: the images have several shapes.
        """
        if not self.uniform:
            least, most = self.shapes.min(axis=0), self.shapes.max(axis=0)
            raise KitError(
                f"the {len(self):,} images have several shapes, from {least[0]}×{least[1]} to "
                f"{most[0]}×{most[1]}, and are no single array: take them one by one"
            )
        return self._pixels.reshape(len(self), *map(int, self.shapes[0]), 3)

    def private(self) -> Pixels:
        """The same as a mapping of its own that may be written without the file changing.

        It costs no memory until then. Torch wants to be able to write what it reads.
        """
        self.array()  # one shape, or an error
        mapped = np.memmap(self.folder / PIXELS, dtype=np.uint8, mode="c")
        return mapped.view(np.ndarray).reshape(len(self), *map(int, self.shapes[0]), 3)


def open_store(
    table: pd.DataFrame, *, side: int, cache: Path, bits: int = 0, threads: int = 0
) -> Store:
    """Open the store of a table's images, decoding them first where it is not there yet.

    Every file is hashed at each call (an image of a pack was, as it was packed); it is decoded only
    when no store in `cache` has the same contents in the same order at the same size. Safe to call
    at once from several processes, and to interrupt or kill: the next call goes on from there.

    Args:
        table: rows with `id` and `path`.
        side: the shorter side that images are shrunk to, in pixels; 0 keeps them as they are;
            none is ever enlarged.
        cache: a writable folder; the store goes to `stores/<key>` in it.
        bits: what the values of images of more than 8 bits need; 0: as many as their largest needs.
        threads: how many files are read and decoded at once; 0: one a core.

    Raises:
        UnreadableError: files that are missing, cut short or no images, all named in one message.
        KitError: an empty table; a full disk.
    """
    if table.empty:
        raise KitError("the table is empty: a store needs at least one image")
    if side < 0:
        raise KitError(f"side={side} is no size: give the shorter side in pixels, or 0")
    threads = threads or cores()
    facts = scan_files(table, threads)
    depth = read_depth(facts, bits, cache, threads)
    words = [f"format {FORMAT}, side {side}", *facts.digests]
    if (facts.channels & (ALPHA | DEEP)).any():
        words.append(f"flattened {FLATTENED}, bits {depth.bits}")
    folder = cache / "stores" / _digest(words)
    if facts.faults or not _is_whole(folder, len(table)):
        with locked(folder):
            if facts.faults or not _is_whole(folder, len(table)):
                _make(folder, facts, side=side, bits=depth.bits, threads=threads)
    return Store(folder, facts.digests, facts.channels, depth)


def _make(folder: Path, facts: FileScan, *, side: int, bits: int, threads: int) -> None:
    with resumable_folder(folder) as part:
        fill(part, facts, side=side, bits=bits, threads=threads)


def _is_whole(folder: Path, rows: int) -> bool:
    """Does the pixel file have the size that its shapes add up to?"""
    try:
        shapes = read_shapes(folder)
        size = (folder / PIXELS).stat().st_size
    except OSError:
        return False
    return len(shapes) == rows and int(pixel_bytes(shapes).sum()) == size


def _digest(texts: Sequence[str]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for text in texts:
        digest.update(text.encode() + b"\n")
    return digest.hexdigest()
