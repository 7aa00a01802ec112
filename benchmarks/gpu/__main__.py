"""The rows of a machine with a GPU: prints the tables and writes that part of benchmarks/RESULTS.md.

    python -m benchmarks.gpu --cifar10 DIR --peer airbench94_muon.py
    python -m benchmarks.gpu                                 (photographs alone, made up)

DIR holds Kaggle's archives of cifar-10. A peer that is not there is left out by name.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.gpu import cifar10, photographs
from benchmarks.measure import table_of, write_results
from common.environment import environment

RESULTS = Path(__file__).parents[1] / "RESULTS.md"


def main() -> None:
    """Run what was asked for; print and write the report."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--cifar10", type=Path, help="the folder of Kaggle's archives")
    parser.add_argument("--peer", type=Path, help="K. Jordan's airbench94_muon.py")
    parser.add_argument("--splits", type=int, default=5, help="models a program (default: 5)")
    parser.add_argument("--wide-splits", type=int, default=2, help="of speed-wide (default: 2)")
    parser.add_argument("--workers", type=int, nargs="*", help="of the kit (default: all, 4, 2)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the file to write")
    asked = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("this machine has no GPU: `make bench` measures a CPU")
    parts = ["", _environment()]
    print(parts[-1], flush=True)
    with TemporaryDirectory() as folder:
        for table in _tables(asked, Path(folder)):
            for grown in table:  # as far as it is: a machine's time may end
                print(grown, flush=True)
                write_results(asked.out, "\n".join([*parts, "", grown, ""]), of_gpu=True)
            parts += ["", grown]


def _tables(asked: argparse.Namespace, place: Path) -> Iterator[Iterator[str]]:
    """Each table, row by row: the whole of it as it has grown."""
    if asked.cifar10:
        yield _cifar10(asked, place / "cifar10")
    else:
        yield iter(["cifar-10: not measured, for --cifar10 names no folder of its archives"])
    yield _photographs(asked.workers, place / "photographs")
    if asked.cifar10:
        yield _wide(asked, place / "cifar10")


def _environment() -> str:
    here = environment()
    versions = ", ".join(f"{name} {here['versions'][name]}" for name in ("torch", "timm"))
    machine = here["machine"]
    return "\n".join(
        [
            f"- date: {time.strftime('%Y-%m-%d')}",
            f"- card: {', '.join(here['gpus'])}; {machine['cores']} cores, {machine['memory_gb']} GB",
            f"- versions: Python {sys.version.split()[0]}, {versions}, CUDA {torch.version.cuda}",
            f"- command: `python -m benchmarks.gpu {' '.join(sys.argv[1:])}`",
        ]
    )


def _cifar10(asked: argparse.Namespace, place: Path) -> Iterator[str]:
    words = ["--recipe", "speed", "compile=true"]
    ours, run = cifar10.kit(asked.cifar10.resolve(), place, asked.splits, words)
    rows = [ours]
    yield table_of(cifar10.HEAD, [row.cells() for row in rows])
    if asked.peer:
        peer, data = asked.peer.resolve(), asked.cifar10.resolve()
        rows.append(cifar10.airbench(peer, data, place, run, asked.splits))
        yield table_of(cifar10.HEAD, [row.cells() for row in rows])


def _wide(asked: argparse.Namespace, place: Path) -> Iterator[str]:
    words = ["--recipe", "speed-wide"]
    wide, _ = cifar10.kit(asked.cifar10.resolve(), place, asked.wide_splits, words)
    yield table_of(cifar10.HEAD, [wide.cells()])


def _photographs(counts: Sequence[int], place: Path) -> Iterator[str]:
    task = photographs.Task()
    photographs.lay_out(task, place)
    rows: list[photographs.Speeds] = []
    for row in _speeds(task, counts, place):
        rows.append(row)
        yield table_of(photographs.HEAD, [row.cells(max(rows[0].speeds)) for row in rows])


def _speeds(
    task: photographs.Task, counts: Sequence[int], place: Path
) -> Iterator[photographs.Speeds]:
    """The limit first, then the goal's rows, then the peers and the kit with fewer workers."""
    yield photographs.bare_step(task)
    first, *fewer = counts or (task.workers, 4, 2)
    yield from _kits(task, first, place)
    yield photographs.torchvision_loader(task, place)
    yield photographs.timm_loader(task, place)
    for workers in fewer:
        yield from _kits(task, workers, place)


def _kits(task: photographs.Task, workers: int, place: Path) -> Iterator[photographs.Speeds]:
    for augment in ("photo-crop", "photo"):
        yield photographs.kit(task, place, f"augment={augment}", f"workers={workers}")


if __name__ == "__main__":
    main()
