"""cifar-10 from scratch against the clock, beside K. Jordan's program on the same splits and card.

Every model trains on 45,000 images and is judged on its own 5,000. Seconds are of training alone;
compiling, capturing, judging after an epoch and starting up are not in it, for the peer neither.
"""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from statistics import mean, stdev
from types import ModuleType

import numpy as np
import pandas as pd
import torch

from common.data.archives.open_data import open_folder
from common.data.pixels.store import open_store
from competitions.cifar10 import COMPETITION

HELD_OUT = ["groups=none", "folds=1", "holdout=0.1", "final=folds"]


@dataclass(frozen=True)
class Training:
    """Models of one program: their accuracy with views and seconds of training, one a split."""

    name: str
    accuracy: list[float]
    seconds: list[float]
    remark: str

    def cells(self) -> list[str]:
        """A line of the table."""
        spread = stdev(self.accuracy) if len(self.accuracy) > 1 else 0.0
        quick, slow = min(self.seconds), max(self.seconds)
        return [
            self.name,
            f"{mean(self.accuracy):.4f} ± {spread:.4f}",
            f"{mean(self.seconds):.2f} ({quick:.2f} to {slow:.2f})",
            str(len(self.accuracy)),
            self.remark,
        ]


HEAD = ["cifar-10, 45,000 images", "accuracy with views ± sd", "s of training", "n", "remark"]


def kit(data: Path, place: Path, splits: int, words: Sequence[str]) -> tuple[Training, Path]:
    """The kit's recipe in one process, with a model for each of so many splits; also the run."""
    command = ["cifar10", "validate", "--data", str(data), "--runs", str(place), "--json"]
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "kit", *command, *words, *HELD_OUT, f"repeats={splits}"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    whole = time.perf_counter() - start
    answer = json.loads(done.stdout.splitlines()[-1])
    run = Path(answer["run"])
    logs = [
        [json.loads(line) for line in (run / f"fold{at}" / "log.jsonl").read_text().splitlines()]
        for at in range(splits)
    ]
    seconds = [sum(record["seconds"] for record in log) for log in logs]
    prepared = mean(sum(record["prepare_seconds"] for record in log) for log in logs)
    remark = f"{prepared:.0f} s of compiling and capturing a model, {whole:.0f} s in all"
    return Training(f"kit {' '.join(words)}", answer["fold_scores"], seconds, remark), run


def airbench(program: Path, data: Path, place: Path, run: Path, splits: int) -> Training:
    """K. Jordan's program on a kit run's splits, compiled once.

    Args:
        program: airbench94_muon.py, with a `RESULT` line a run: plain, with views, seconds.
    """
    cache = Path(os.environ.get("KIT_CACHE", place / "cache"))
    table = COMPETITION.read_train(open_folder(data, cache, packed=True))
    images = torch.from_numpy(np.array(open_store(table, side=0, cache=cache).array()))
    classes = sorted(table["label"].unique())
    labels = torch.tensor([classes.index(label) for label in table["label"]])
    folds = pd.read_csv(run / "folds.csv", dtype={"id": str})
    accuracy, seconds = [], []
    with chdir(place):
        Path("cifar10").mkdir(exist_ok=True)
        peer = _load(program)
        mode = os.environ.get("MODE", "default")
        model = peer.CifarNet().cuda().to(memory_format=torch.channels_last)
        model.compile(mode=mode)
        for split in range(splits):
            held = folds[folds["repeat"] == split].set_index("id")["fold"].loc[table["id"]]
            out = torch.tensor((held == 0).to_numpy())
            for name, rows in (("train", ~out), ("test", out)):
                parts = {"images": images[rows], "labels": labels[rows], "classes": classes}
                torch.save(parts, f"cifar10/{name}.pt")
            said = io.StringIO()
            with redirect_stdout(said):
                if not split:
                    peer.main("warmup", model)
                peer.main(split, model)
            *_, line = (each for each in said.getvalue().splitlines() if each.startswith("RESULT"))
            accuracy.append(float(line.split()[2]))
            seconds.append(float(line.split()[3]))
    return Training(
        f"{program.stem}, compiled ({mode})", accuracy, seconds, "its views in its time"
    )


def _load(program: Path) -> ModuleType:
    """A program as a module; it reads its own source by the name that it was started with."""
    spec = spec_from_file_location(program.stem, program)
    assert spec and spec.loader
    module, before = module_from_spec(spec), sys.argv
    sys.argv = [str(program)]
    try:
        spec.loader.exec_module(module)
    finally:
        sys.argv = before
    return module
