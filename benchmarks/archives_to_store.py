"""A 7z archive of 32x32 PNG becomes decoded pixels in one file.

The kit keeps the archive's images together and decodes them from there; the peer is the program
`7z x` into a folder, and OpenCV reading every file of it on two threads. `--data` may name a folder
with 7z archives, such as cifar-10's.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import pandas as pd

from benchmarks.measure import Effort, Row, Way, alone, compare
from common.data.archives.open_data import open_folder
from common.data.archives.pack import Pack, packs_of
from common.data.archives.sevenzip_program import program
from common.data.pixels.store import open_store

CLAIM = "7z of 32x32 PNG to decoded pixels"
THREADS, SIDE, TIMES = 2, 32, 16


def measure(effort: Effort) -> list[Row]:
    """The kit, against 7z and OpenCV."""
    with archives(effort) as (data, count):
        ours = Way("kit", lambda: _in_scratch(data, stored), count)
        peers = [(1.0, "7z", lambda: Way("7z x, OpenCV", lambda: _in_scratch(data, read), count))]
        return compare(CLAIM, ours, peers, repeats=effort.repeats)


@contextmanager
def archives(effort: Effort) -> Iterator[tuple[Path, int]]:
    """A folder with 7z archives, and how many images are in them."""
    if effort.data is not None and any(effort.data.glob("*.7z")):
        with TemporaryDirectory() as folder:
            yield effort.data, stored(effort.data, Path(folder))
        return
    with TemporaryDirectory() as folder:
        made(effort.images * TIMES, Path(folder))
        yield Path(folder) / "data", effort.images * TIMES


def made(count: int, folder: Path) -> None:
    """`data/train.7z` of so many PNG of noise on a slope, by the library, as the program may be missing."""
    from py7zr import SevenZipFile

    random, slope = np.random.default_rng(0), np.linspace(0, 200, SIDE)[:, None, None]
    (folder / "train").mkdir()
    (folder / "data").mkdir()
    for number in range(count):
        pixels = (slope + random.integers(0, 50, (SIDE, SIDE, 3))).astype(np.uint8)
        cv2.imwrite(str(folder / "train" / f"{number}.png"), pixels)
    filters = [{"id": 0x21, "preset": 1}]  # LZMA2
    with SevenZipFile(folder / "data" / "train.7z", "w", filters=filters) as archive:
        archive.writeall(folder / "train", "train")


def stored(data: Path, place: Path) -> int:
    """Pack, and fill one store with every image; return how many."""
    folder = open_folder(data, place, packed=True)
    names = [name for pack in packs_of(folder) for name in Pack(pack).names()]
    table = pd.DataFrame({"id": names, "path": [f"{folder}/{name}" for name in names]})
    return len(open_store(table, side=0, cache=place, threads=THREADS))


def read(data: Path, place: Path) -> int:
    """`7z x` each archive, then read every file into one array; return how many."""
    for archive in sorted(data.glob("*.7z")):
        subprocess.run(
            [str(program()), "x", "-bd", "-y", f"-o{place}", str(archive)],
            stdout=subprocess.DEVNULL,
            check=True,
        )
    cv2.setNumThreads(0)
    paths = [f"{parent}/{name}" for parent, _, names in os.walk(place) for name in names]
    pixels = np.empty((len(paths), SIDE, SIDE, 3), np.uint8)

    def decode(rows: range) -> None:
        for row in rows:
            image = cv2.imread(paths[row], cv2.IMREAD_COLOR_RGB)
            assert image is not None
            pixels[row] = image

    tasks = [range(at, min(at + 128, len(paths))) for at in range(0, len(paths), 128)]
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(decode, tasks))
    return len(paths)


def _in_scratch(data: Path, work: Callable[[Path, Path], int]) -> None:
    with TemporaryDirectory() as place:
        work(data, Path(place))


if __name__ == "__main__":
    alone(measure)
