"""From 7z archives of small images to decoded pixels: the kit beside the program 7z and OpenCV.

    python benchmarks/archives_to_store.py data/cifar-10 [rounds]

The peer unpacks with `7z x` into a folder and decodes every file with OpenCV on two threads. Wall
time and processor time of both, interleaved, in the same run; the ratio is peer / ours.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from common.data.archives import open_folder
from common.data.packs import Pack, packs_of
from common.data.sevenzip_program import program
from common.data.store import open_store


def ours(data: Path, place: Path) -> int:
    """Pack, and fill one store with every image; return how many."""
    folder = open_folder(data, place, packed=True)
    names = [name for pack in packs_of(folder) for name in Pack(pack).names()]
    table = pd.DataFrame({"id": names, "path": [f"{folder}/{name}" for name in names]})
    return len(open_store(table, side=0, cache=place))


def peer(data: Path, place: Path) -> int:
    """`7z x` each archive, then read and decode every file into one array."""
    for archive in sorted(data.glob("*.7z")):
        subprocess.run(
            [str(program()), "x", "-bd", "-y", f"-o{place}", str(archive)],
            stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip
    cv2.setNumThreads(0)
    paths = [f"{parent}/{name}" for parent, _, names in os.walk(place) for name in names]
    pixels = np.empty((len(paths), 32, 32, 3), np.uint8)

    def decode(rows: range) -> None:
        for row in rows:
            pixels[row] = cv2.imread(paths[row], cv2.IMREAD_COLOR_RGB)

    tasks = [range(at, min(at + 128, len(paths))) for at in range(0, len(paths), 128)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(decode, tasks))
    return len(paths)


def _measured(work: Callable[[Path, Path], int], data: Path) -> tuple[float, float]:
    """Wall and processor seconds (with those of programs that were called)."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("KIT_CACHE")) as place:
        before, started = _processor(), time.perf_counter()
        count = work(data, Path(place))
        wall, used = time.perf_counter() - started, _processor() - before
    print(f"{work.__name__:5} {count:,} images: wall {wall:6.2f} s, processor {used:6.2f} s")
    return wall, used


def _processor() -> float:
    uses = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def main() -> None:
    """Measure both in turn."""
    data, rounds = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3
    taken = [(_measured(ours, data), _measured(peer, data)) for _ in range(rounds)]
    for at, what in enumerate(("wall", "processor")):
        ratios = [other[at] / own[at] for own, other in taken]
        middle = statistics.median(ratios)
        print(f"{what}: {middle:.2f}x (from {min(ratios):.2f} to {max(ratios):.2f}, n={rounds})")


if __name__ == "__main__":
    main()
