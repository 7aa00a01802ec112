"""Do the scores of every kind of answer hold on rows that no model has seen? On real images.

    python -m benchmarks.answers_of_every_kind --data DIR --weights DIR

`--data` holds cifar-10's archives, `--weights` a MobileNetV2 (`config.json`, `model.safetensors`), whose
frozen features are computed once. Printed are: cross-validation against hidden rows for a task of each
kind, and decisions fitted out-of-fold; groups that give the answer away; the seconds of a bootstrap.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.cifar10_answers import IN_GROUP, cats_and_dogs, open_pool, tasks_of, watermarked
from benchmarks.draw_scores import Scores, scores
from benchmarks.small_draws import Pool, Task, drawn, probe_of, random_rows
from common.data.folds import groups_of
from common.inference.bootstrap import RESAMPLES, ScoredRows, paired_interval, resampled
from common.inference.evaluator import Evaluator
from common.metrics import metric_named
from common.targets import YesNo

DRAWN_GROUPS, BOOTSTRAP_ROWS = 45, 50_000
DECIDED = ("f1_macro", "f1_micro", "qwk")  # metrics that ask for a decision
HELD_HEAD = [
    "task",
    "metric",
    "out of fold",
    "hidden",
    "sd of the gaps",
    "half the interval",
    "hidden inside",
    "goal",
    "met?",
    "half by rows",
    "inside by rows",
]
DECISION_HEAD = [
    "metric",
    "plain, hidden",
    "decided, hidden",
    "honest",
    "in-sample",
    "honest - hidden",
    "in-sample - hidden",
]


@dataclass(frozen=True)
class Size:
    """How many images and draws a table takes, and groups of cats and dogs."""

    images: int = 8000
    draws: int = 40
    groups: int = 150


def of_task(pool: Pool, task: Task, size: Size) -> dict[str, list[Scores]]:
    """The scores of every draw of a task, by metric."""
    probe, rows = probe_of(pool, task), len(pool.table)
    found: dict[str, list[Scores]] = {metric: [] for metric in task.metrics}
    for number in range(size.draws):
        draw = drawn(probe, task, *random_rows(rows, number))
        for metric in task.metrics:
            found[metric].append(scores(draw, metric))
    return found


def of_groups(pool: Pool, size: Size) -> dict[str, list[Scores]]:
    """The scores of draws of whole groups whose folds keep them whole, and of those that do not.

    Hidden rows are of other groups. The intervals take whole groups either way.
    """
    task, names = cats_and_dogs(pool), pool.table["group"]
    probe, found = probe_of(pool, task), dict[str, list[Scores]]()
    for how in ("identical", "none"):
        groups = groups_of(pool.table, pool.store, how).tolist()
        for number in range(size.draws):
            mine = np.random.default_rng(number).permutation(names.unique())[:DRAWN_GROUPS]
            inside = names.isin(mine).to_numpy()
            rows = np.flatnonzero(inside), np.flatnonzero(~inside)
            draw = drawn(probe, task, *rows, groups, names.tolist())
            found.setdefault(how, []).append(scores(draw, task.metrics[0]))
    return found


def bootstrap_seconds(rows: int = BOOTSTRAP_ROWS) -> float:
    """Seconds by the clock of all resamples of an AUC of so many rows."""
    random = np.random.default_rng(0)
    y = (random.random((rows, 1)) < 0.1).astype(np.float64)
    probs = (random.random((rows, 1)) + 0.3 * y).astype(np.float32)
    evaluator = Evaluator(YesNo(names=("yes",)), metric_named("auc"))
    since = time.perf_counter()
    resampled([ScoredRows.of(evaluator, probs, y)], np.arange(rows), None)
    return time.perf_counter() - since


def holding(found: Sequence[Scores]) -> int:
    """In how many draws the hidden score is one that the out-of-fold score allows."""
    return sum(each.holds for each in found)


def gap(found: Sequence[Scores], figure: str) -> str:
    """How much a figure is above the hidden score: the mean over the draws and its 95 % interval."""
    gaps = np.array([getattr(each, figure) - each.hidden for each in found])
    return paired_interval(gaps, np.arange(len(gaps))).text


def held_line(task: str, metric: str, found: Sequence[Scores], *, goal: bool = True) -> list[str]:
    """Task, metric, mean scores, interval, k of n, and the goal of 35 of 40; both by rows alone."""
    inside, least = holding(found), int(np.ceil(len(found) * 35 / 40))
    half = np.mean([each.high - each.low for each in found]) / 2
    by_rows = np.mean([each.by_rows[1] - each.by_rows[0] for each in found]) / 2
    gaps = np.std([each.honest - each.hidden for each in found])
    return [
        task,
        metric,
        _mean(found, "honest"),
        _mean(found, "hidden"),
        f"{gaps:.4f}",
        f"{half:.4f}",
        f"{inside} of {len(found)}",
        f"≥ {least}" if goal else "",
        ("yes" if inside >= least else "no") if goal else "",
        f"{by_rows:.4f}",
        f"{sum(each.holds_by_rows for each in found)} of {len(found)}",
    ]


def decision_line(metric: str, found: Sequence[Scores]) -> list[str]:
    """Metric, mean scores without and with its decision, and which figure tells the hidden one."""
    figures = ("plain_hidden", "hidden", "honest", "in_sample")
    means = [_mean(found, figure) for figure in figures]
    return [metric, *means, gap(found, "honest"), gap(found, "in_sample")]


@dataclass(frozen=True)
class Place:
    """Where the archives and the weights are, and a folder to write in."""

    data: Path
    weights: Path
    cache: Path


def task_report(kind: str, place: Place, size: Size) -> str:
    """Cross-validation and hidden rows of a task, and what its decisions do there, as tables."""
    pool = open_pool(place.data, place.weights, place.cache, size.images)
    task = tasks_of(pool)[kind]
    found = of_task(pool, task, size)
    text = _table(HELD_HEAD, (held_line(task.name, *each) for each in found.items()))
    decided = {metric: each for metric, each in found.items() if metric in DECIDED}
    if not decided:
        return text
    return text + "\n" + _table(DECISION_HEAD, (decision_line(*each) for each in decided.items()))


def groups_report(place: Place, size: Size) -> str:
    """Groups that give the answer away: folds that keep them whole, and folds that do not, as a table."""
    pets = open_pool(place.data, place.weights, place.cache, size.groups * IN_GROUP, ("cat", "dog"))
    found = of_groups(watermarked(pets, place.cache / "watermarked"), size)
    kept = {"identical": "groups kept whole", "none": "groups=none"}
    lines = (held_line(kept[how], "auc", each, goal=how != "none") for how, each in found.items())
    return _table(HELD_HEAD, lines)


def bootstrap_report(_: Place, __: Size) -> str:
    """The seconds of a bootstrap, as a sentence."""
    seconds = bootstrap_seconds()
    return f"{RESAMPLES:,} resamples of AUC on {BOOTSTRAP_ROWS:,} rows: {seconds:.1f} s"


PARTS: dict[str, Callable[[Place, Size], str]] = {
    **{kind: partial(task_report, kind) for kind in ("yes-no", "labels", "grades", "numbers")},
    "groups": groups_report,
    "bootstrap": bootstrap_report,
}


def main(words: Sequence[str] | None = None) -> None:
    """Print the tables, each with its seconds by the clock."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of Kaggle's archives")
    parser.add_argument("--weights", type=Path, required=True, help="the folder of MobileNetV2")
    parser.add_argument("--draws", type=int, default=Size.draws, help="draws of a task")
    parser.add_argument("--images", type=int, default=Size.images, help="images of the pool")
    parser.add_argument("--only", choices=PARTS, help="this part alone")
    parser.add_argument("--cache", type=Path, help="where images and features are kept, or nowhere")
    asked = parser.parse_args(words)
    size = Size(asked.images, asked.draws)
    with TemporaryDirectory() as cache:
        place = Place(asked.data, asked.weights, asked.cache or Path(cache))
        for name in (asked.only,) if asked.only else PARTS:
            since = time.perf_counter()
            text = PARTS[name](place, size)
            print(f"{name} ({time.perf_counter() - since:.0f} s)\n\n{text}", flush=True)


def _mean(found: Sequence[Scores], figure: str) -> str:
    return f"{np.mean([getattr(each, figure) for each in found]):.4f}"


def _table(head: list[str], lines: Iterable[list[str]]) -> str:
    rows = [head, ["--"] * len(head), *lines]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows) + "\n"


if __name__ == "__main__":
    main()
