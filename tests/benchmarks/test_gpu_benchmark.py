"""The benchmark for a GPU runs to its tables, on a toy GPU: no time on a real one is lost to a slip."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import toy_gpu
from toy_competitions import laid_out

from benchmarks.measure import ON_A_GPU
from competitions.cifar10 import COMPETITION

PEER = """
import torch

class CifarNet(torch.nn.Linear):
    def __init__(self):
        super().__init__(3, 10)

def main(run, model):
    train = torch.load("cifar10/train.pt")
    assert train["images"].shape[1:] == (32, 32, 3) and len(train["labels"]) == len(train["images"])
    print("RESULT", run, 0.5, 1.25)
"""
SMALL = """
import sys
from functools import partial
from benchmarks.gpu import photographs
from benchmarks.gpu.__main__ import main
facts = dict(images=64, network="resnet18", side=32, batch=16, workers=2)
photographs.Task = partial(photographs.Task, **facts)
main()
"""


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU of its own")
@pytest.mark.skipif(not toy_gpu.compiler_found, reason=f"{toy_gpu.COMPILER} is not installed")
def test_every_row_is_measured_and_written(tmp_path: Path) -> None:
    (tmp_path / "airbench.py").write_text(PEER)
    (tmp_path / "small.py").write_text(SMALL)
    laid_out(COMPETITION, tmp_path / "data", count=80, side=32)
    words = ["--cifar10", "data", "--peer", "airbench.py", "--splits", "2", "--wide-splits", "1"]
    root = Path(__file__).parents[2]
    environment = os.environ | toy_gpu.environment(toy_gpu.library(tmp_path))
    environment |= {"KIT_CACHE": str(tmp_path / "cache")}
    environment["PYTHONPATH"] += f"{os.pathsep}{root}"
    command = [sys.executable, "small.py", *words, "--workers", "2", "1", "--out", "RESULTS.md"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True, check=False
    )
    assert not done.returncode, done.stderr[-5_000:]
    _, written = (tmp_path / "RESULTS.md").read_text().split(ON_A_GPU)
    rows = [line.split(" | ")[0] for line in written.splitlines() if line.startswith("| ")]
    assert [row.removeprefix("| ") for row in rows if "--" not in row or "kit" in row] == [
        "cifar-10, 45,000 images",
        "kit --recipe speed compile=true",
        "airbench, compiled (default)",
        "photographs of 500x375",
        "bare step",
        "kit augment=photo-crop workers=2",
        "kit augment=photo workers=2",
        "torchvision's loader",
        "timm's loader",
        "kit augment=photo-crop workers=1",
        "kit augment=photo workers=1",
        "cifar-10, 45,000 images",
        "kit --recipe speed-wide",
    ]
