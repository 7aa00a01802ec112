"""Scan a table's image files without decoding: digests, sizes, header shapes, channels, faults."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.data.archives.encoded_images import Encoded
from common.data.archives.pack import digest_of
from common.data.image_headers import declared_shape
from common.data.parallel import in_order
from common.data.pixels.channels import channels
from common.progress import bar

# Many small files make one task: handing a task to a thread costs more than reading one.
ROWS_PER_TASK = 128
MISSING = "missing"


@dataclass(frozen=True)
class FileScan:
    """What the scan found, one entry per row of the table.

    Attributes:
        ids: the table's ids.
        images: the encoded images.
        digests: content hash of each file (32 hex digits), empty where it cannot be read.
        shapes: int64 [N, 2], the height and width a header declares, 0 where it is not known.
        sizes: int64 [N], encoded bytes.
        channels: uint8 [N], what `common.data.pixels.channels` finds in the header.
        faults: by row, why a file cannot be read.
    """

    ids: list[str]
    images: Encoded
    digests: list[str]
    shapes: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    channels: npt.NDArray[np.uint8]
    faults: dict[int, str]


def scan_files(table: pd.DataFrame, threads: int) -> FileScan:
    """Read and hash every file of a table; one that cannot be read becomes a fault, no error.

    An image of a pack was hashed when it was packed, and is not read.
    """
    images = Encoded(table["path"].tolist())
    count = len(images)
    tasks = [range(at, min(at + ROWS_PER_TASK, count)) for at in range(0, count, ROWS_PER_TASK)]
    digests: list[str] = []
    faults: dict[int, str] = {}
    shapes, sizes = np.zeros((count, 2), np.int64), np.zeros(count, np.int64)
    flags = np.zeros(count, np.uint8)
    with bar(count, "hashing") as progress:
        for read in in_order(lambda rows: [_read(images, row) for row in rows], tasks, threads):
            for digest, size, shape, found, fault in read:
                row = len(digests)
                digests.append(digest)
                sizes[row], shapes[row], flags[row] = size, shape, found
                if fault:
                    faults[row] = fault
            progress.update(len(read))
    return FileScan(table["id"].tolist(), images, digests, shapes, sizes, flags, faults)


def _read(images: Encoded, row: int) -> tuple[str, int, tuple[int, int], int, str]:
    """Digest, encoded bytes, declared shape, channels and fault of one image."""
    if known := images.known(row):
        return *known, ""
    try:
        data = images[row]
    except OSError as error:
        return "", 0, (0, 0), 0, fault_of(error)
    shape = declared_shape(data) or (0, 0)
    return digest_of(data).hex(), len(data), shape, channels(data), ""


def fault_of(error: OSError) -> str:
    """Why a file cannot be read, in a few words."""
    if isinstance(error, FileNotFoundError):
        return MISSING
    return f"unreadable: {error.strerror or error}"
