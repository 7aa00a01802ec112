"""Image packs: the encoded images of an archive in one file with an index.

To create and open 350,000 files takes the operating system longer than to decode their images. A
pack is a folder: `images.bin` has the encoded images one after another, `names.bin` their paths
with slashes, each ended by a NUL, and `index.npy` the offset, shape, digest and channels of each.
"""

import hashlib
from array import array
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from common.data.archives.safety import PACKS
from common.data.image_files import IMAGES
from common.data.image_headers import declared_shape
from common.data.pixels.channels import channels

MAX_IMAGE = 16 << 20  # bytes of an image in a pack: larger ones are few, and stay files
BUFFER = 1 << 20
BYTES, NAMES, INDEX = "images.bin", "names.bin", "index.npy"
ENTRY = np.dtype([("end", "<i8"), ("shape", "<i8", 2), ("digest", "u1", 16), ("channels", "u1")])


def is_packed(name: str, size: int) -> bool:
    """Does a member of this name and size go into a pack?"""
    return size <= MAX_IMAGE and name.lower().endswith(IMAGES)


def digest_of(data: bytes) -> bytes:
    """The content hash by which stores are keyed (16 bytes)."""
    return hashlib.blake2b(data, digest_size=16).digest()


class PackWriter:
    """Writes a pack into a new folder, image by image; the index comes last."""

    def __init__(self, folder: Path, prefix: str = "") -> None:
        """`prefix` is put before every name: a folder's path and a slash, or nothing."""
        self.folder, self._prefix = folder, prefix
        self._names: list[str] = []
        self._ends, self._shapes, self._digests = array("q"), array("q"), bytearray()
        self._channels = bytearray()
        self._end = 0

    def __enter__(self) -> "PackWriter":
        self.folder.mkdir(parents=True)
        self._file = (self.folder / BYTES).open("xb", buffering=BUFFER)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        if error is None:
            self._write_index()

    def add(self, name: str, data: bytes) -> None:
        """Append one whole image; it is hashed here, so that it need not be read for that again."""
        self._file.write(data)
        self._end += len(data)
        self._names.append(self._prefix + name)
        self._ends.append(self._end)
        self._shapes.extend(declared_shape(data) or (0, 0))
        self._digests += digest_of(data)
        self._channels.append(channels(data))

    def _write_index(self) -> None:
        index = np.empty(len(self._names), ENTRY)
        index["end"] = self._ends
        index["shape"] = np.array(self._shapes, np.int64).reshape(-1, 2)
        index["digest"] = np.frombuffer(self._digests, np.uint8).reshape(-1, 16)
        index["channels"] = np.frombuffer(self._channels, np.uint8)
        np.save(self.folder / INDEX, index)
        names = "".join(f"{name}\0" for name in self._names)
        (self.folder / NAMES).write_bytes(names.encode("utf-8", "surrogatepass"))


class Pack:
    """A pack's images by row, memory-mapped: threads share it, and only the index is in memory.

    Attributes:
        shapes: int64 [N, 2], the height and width a header declares, 0 where it is not known.
        sizes: int64 [N], encoded bytes.
        channels: uint8 [N], what `common.data.pixels.channels` finds in the header.
    """

    def __init__(self, folder: Path) -> None:
        index = np.load(folder / INDEX)
        self._folder = folder
        self._ends: npt.NDArray[np.int64] = np.concatenate([[0], index["end"]])
        self.sizes: npt.NDArray[np.int64] = np.diff(self._ends)
        self.shapes: npt.NDArray[np.int64] = np.ascontiguousarray(index["shape"])
        self.channels: npt.NDArray[np.uint8] = np.ascontiguousarray(index["channels"])
        self._digests = index["digest"].tobytes().hex()
        self._bytes = np.zeros(0, np.uint8)
        if self._ends[-1]:  # an empty file cannot be mapped
            mapped = np.memmap(folder / BYTES, dtype=np.uint8, mode="r")
            self._bytes = mapped.view(np.ndarray)

    def __getitem__(self, row: int) -> bytes:
        return self._bytes[self._ends[row] : self._ends[row + 1]].tobytes()

    def digest(self, row: int) -> str:
        """The content hash of an image (32 hex digits)."""
        return self._digests[32 * row : 32 * row + 32]

    def names(self) -> list[str]:
        """Paths from the folder that the pack belongs to, with slashes, by row."""
        text = (self._folder / NAMES).read_bytes().decode("utf-8", "surrogatepass")
        return text.split("\0")[:-1]


def packs_of(folder: Path) -> list[Path]:
    """The packs that hold images of this folder, in order."""
    return sorted((folder / PACKS).glob("*"))


def are_complete(folder: Path) -> bool:
    """Has every pack of a folder the bytes and names that its index lists?"""
    return all(_is_complete(pack) for pack in packs_of(folder))


def _is_complete(pack: Path) -> bool:
    try:
        index = np.load(pack / INDEX)
        size, names = (pack / BYTES).stat().st_size, (pack / NAMES).read_bytes()
    except (OSError, ValueError, EOFError):
        return False
    if index.dtype != ENTRY or not len(index) == names.count(b"\0") > 0:
        return False
    return int(index["end"][-1]) == size
