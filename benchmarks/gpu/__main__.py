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
            print(table, flush=True)
            parts += ["", table]
            write_results(asked.out, "\n".join([*parts, ""]), of_gpu=True)


def _tables(asked: argparse.Namespace, place: Path) -> Iterator[str]:
    if asked.cifar10:
        yield _cifar10(asked, place / "cifar10")
    else:
        yield "cifar-10: not measured, for --cifar10 names no folder of its archives"
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


def _cifar10(asked: argparse.Namespace, place: Path) -> str:
    words = ["--recipe", "speed", "compile=true"]
    ours, run = cifar10.kit(asked.cifar10.resolve(), place, asked.splits, words)
    rows = [ours]
    if asked.peer:
        peer, data = asked.peer.resolve(), asked.cifar10.resolve()
        rows.append(cifar10.airbench(peer, data, place, run, asked.splits))
    return table_of(cifar10.HEAD, [row.cells() for row in rows])


def _wide(asked: argparse.Namespace, place: Path) -> str:
    words = ["--recipe", "speed-wide"]
    wide, _ = cifar10.kit(asked.cifar10.resolve(), place, asked.wide_splits, words)
    return table_of(cifar10.HEAD, [wide.cells()])


def _photographs(counts: Sequence[int], place: Path) -> str:
    task = photographs.Task()
    photographs.lay_out(task, place)
    limit = photographs.bare_step(task)
    rows = [limit, photographs.torchvision_loader(task, place)]
    rows.append(photographs.timm_loader(task, place))
    for workers in counts or (task.workers, 4, 2):
        for augment in ("photo-crop", "photo"):
            words = [f"augment={augment}", f"workers={workers}"]
            rows.append(photographs.kit(task, place, *words))
    return table_of(photographs.HEAD, [row.cells(max(limit.speeds)) for row in rows])


if __name__ == "__main__":
    main()
