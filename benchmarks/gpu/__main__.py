"""The rows of a machine with a GPU: prints the tables and writes benchmarks/RESULTS-GPU.md.

    python -m benchmarks.gpu --cifar10 DIR --peer airbench94_muon.py
    python -m benchmarks.gpu                                 (photographs alone, made up)

DIR holds Kaggle's archives of cifar-10. A peer that is not there is left out by name.
"""

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.gpu import cifar10, photographs
from benchmarks.measure import table_of
from common.environment import environment
from common.errors import KitError

RESULTS = Path(__file__).parents[1] / "RESULTS-GPU.md"
WIDE_SPLITS = 2


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
    parser.add_argument("--out", type=Path, default=RESULTS, help="the file to write")
    asked = parser.parse_args()
    if not torch.cuda.is_available():
        raise KitError("this machine has no GPU: `make bench` measures a CPU")
    parts = [_environment()]
    with TemporaryDirectory() as folder:
        if asked.cifar10:
            parts.append(_cifar10(asked, Path(folder) / "cifar10"))
        else:
            parts.append("cifar-10: not measured, for --cifar10 names no folder of its archives")
        parts.append(_photographs(Path(folder) / "photographs"))
    text = "\n\n".join(["# What the kit's speed is worth on a GPU", *parts, ""])
    asked.out.write_text(text, encoding="utf-8")
    print(text)


def _environment() -> str:
    here = environment()
    versions = ", ".join(f"{name} {here['versions'][name]}" for name in ("torch", "timm"))
    machine = here["machine"]
    return "\n".join([
        f"- date: {time.strftime('%Y-%m-%d')}",
        f"- card: {', '.join(here['gpus'])}; {machine['cores']} cores, {machine['memory_gb']} GB",
        f"- versions: Python {sys.version.split()[0]}, {versions}, CUDA {torch.version.cuda}",
        f"- command: `python -m benchmarks.gpu {' '.join(sys.argv[1:])}`",
    ])  # fmt: skip


def _cifar10(asked: argparse.Namespace, place: Path) -> str:
    data, rows = asked.cifar10.resolve(), []
    speed, run = cifar10.kit(data, place, asked.splits, ["--recipe", "speed", "compile=true"])
    rows.append(speed)
    rows.append(cifar10.kit(data, place, asked.splits, ["--recipe", "speed"])[0])
    if asked.peer:
        rows.append(cifar10.airbench(asked.peer.resolve(), data, place, run, asked.splits))
    wide = ["--recipe", "speed-wide", "compile=true"]
    rows.append(cifar10.kit(data, place, min(asked.splits, WIDE_SPLITS), wide)[0])
    return table_of(cifar10.HEAD, [row.cells() for row in rows])


def _photographs(place: Path) -> str:
    task = photographs.Task()
    photographs.lay_out(task, place)
    limit = photographs.bare_step(task)
    rows = [limit, photographs.torchvision_loader(task, place)]
    rows.append(photographs.timm_loader(task, place))
    for workers in (task.workers, 4, 2):
        for augment in ("photo-crop", "photo"):
            words = [f"augment={augment}", f"workers={workers}"]
            rows.append(photographs.kit(task, place, *words))
    return table_of(photographs.HEAD, [row.cells(max(limit.speeds)) for row in rows])


if __name__ == "__main__":
    main()
