"""cifar-10 from scratch against the clock: each seed a process of its own, as a user starts one.

    python -m benchmarks.cifar10_speed --data DIR                       (recipe speed, five seeds)
    python -m benchmarks.cifar10_speed --data DIR --recipe speed-wide   (0.9553, with a GPU)

DIR holds Kaggle's archives. A first run that does not count fills the caches; 45,000 images train and
5,000 are held out. It is the one command for a machine with a GPU, and takes hours on two cores.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory

HELD_OUT = ["groups=none", "folds=1", "holdout=0.1", "final=folds"]


@dataclass(frozen=True)
class Trial:
    """One seed: accuracy under the plain view and under all, seconds of training and in all."""

    seed: int
    plain: float
    views: float
    training: float
    whole: float

    def cells(self) -> list[str]:
        """A line of the table."""
        return [
            str(self.seed),
            f"{self.plain:.4f}",
            f"{self.views:.4f}",
            f"{self.training:.2f}",
            f"{self.whole:.1f}",
        ]


def trial(asked: argparse.Namespace, runs: Path, seed: int) -> Trial:
    """Train and judge one seed in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "kit",
        "cifar10",
        "validate",
        "--recipe",
        asked.recipe,
        "--data",
        str(asked.data),
        "--runs",
        str(runs),
        "--json",
        *HELD_OUT,
        *asked.fields,
        f"seed={seed}",
    ]
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    whole = time.perf_counter() - start
    run = Path(json.loads(done.stdout.splitlines()[-1])["run"])
    scores = json.loads((run / "scores.json").read_text())["views"]
    log = [json.loads(line) for line in (run / "fold0" / "log.jsonl").read_text().splitlines()]
    training = sum(record["seconds"] for record in log)
    return Trial(seed, scores[0]["score"], scores[-1]["score"], training, whole)


def main() -> None:
    """Run the trials and print their table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of Kaggle's archives")
    parser.add_argument("--recipe", default="speed", help="speed, or speed-wide")
    parser.add_argument("--seeds", type=int, default=5, help="how many are trained (default: 5)")
    parser.add_argument("fields", nargs="*", help="fields of the recipe, as in epochs=2")
    asked = parser.parse_args()
    with TemporaryDirectory() as place:
        trial(asked, Path(place), 0)  # fills the caches, and does not count
        trials = [trial(asked, Path(place), seed) for seed in range(1, asked.seeds + 1)]
    head = ["seed", "plain", "with views", "s of training", "s from process start"]
    for cells in (head, ["--"] * len(head), *(each.cells() for each in trials)):
        print("| " + " | ".join(cells) + " |")
    for name in ("plain", "views", "training", "whole"):
        values = [getattr(each, name) for each in trials]
        spread = f" ± {stdev(values):.4f}" if len(values) > 1 else ""
        print(f"{name}: {mean(values):.4f}{spread} (n = {len(values)})")


if __name__ == "__main__":
    main()
