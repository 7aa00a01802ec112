"""Two ways of doing the same work, timed in turns: medians, ratios, and a table of them."""

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from common.data.archives.sevenzip_program import program
from common.environment import environment
from common.errors import KitError

SETTINGS = ("GOMP_SPINCOUNT", "THP_MEM_ALLOC_ENABLE")  # what `kit` sets for itself
ON_A_GPU = "\n## On a GPU\n"
SHOWN = ("torch", "torchvision", "timm", "albumentations", "opencv-python-headless")


@dataclass(frozen=True)
class Effort:
    """How much is measured: images a pass, repetitions, and a folder of real images or None."""

    images: int = 1024
    repeats: int = 5
    data: Path | None = None

    def __post_init__(self) -> None:
        if self.images < 1 or self.repeats < 1:
            raise KitError(
                f"images={self.images} and repeats={self.repeats} measure nothing: give 1 or more"
            )


QUICK = Effort(images=256, repeats=2)


@dataclass(frozen=True)
class Way:
    """One way of doing the work: `work()` treats `images` images."""

    name: str
    work: Callable[[], object]
    images: int


@dataclass(frozen=True)
class Row:
    """A line of the table: images per second of both, and how often ours fits into the peer's time."""

    claim: str
    peer: str
    goal: float  # 0: none was set
    ours_speed: float = 0.0
    peer_speed: float = 0.0
    ratios: tuple[float, ...] = ()  # none: the peer is not installed

    @property
    def ratio(self) -> float:
        """The median over the repetitions."""
        return median(self.ratios)

    def cells(self) -> list[str]:
        """claim, ours, peer, ratio (n, spread), goal, met?"""
        goal = f"≥ {self.goal:g}×" if self.goal else ""
        if not self.ratios:
            return [self.claim, "", f"{self.peer}: not installed", "not measured", goal, ""]
        spread = f"n = {len(self.ratios)}, {min(self.ratios):.3g} to {max(self.ratios):.3g}"
        return [
            self.claim,
            f"{self.ours_speed:,.0f}",
            f"{self.peer}: {self.peer_speed:,.0f}",
            f"{self.ratio:.3g}× ({spread})",
            goal,
            ("yes" if self.ratio >= self.goal else "no") if self.goal else "",
        ]


def installed(peer: str) -> bool:
    """Can a peer be imported here, or called, if it is the program 7z?"""
    return program() is not None if peer == "7z" else importlib.util.find_spec(peer) is not None


def compare(
    claim: str, ours: Way, peers: Sequence[tuple[float, str, Callable[[], Way]]], *, repeats: int
) -> list[Row]:
    """Time ours and each peer in turns, `repeats` times after a first time that does not count.

    Args:
        claim: what is measured, in a few words.
        ours: the kit's way.
        peers: goal, package and maker of each peer's way; one that is not installed is named.
        repeats: repetitions that count.
    """
    there = [(goal, name, make()) for goal, name, make in peers if installed(name)]
    ways = [ours, *(way for _, _, way in there)]
    seconds: list[list[float]] = [[] for _ in ways]
    for repeat in range(repeats + 1):
        turn = list(range(len(ways)))
        for each in turn if repeat % 2 else turn[::-1]:
            found = _seconds(ways[each])
            if repeat:
                seconds[each].append(found / ways[each].images)
    rows = [
        Row(
            claim,
            way.name,
            goal,
            1 / median(seconds[0]),
            1 / median(its),
            tuple(theirs / mine for mine, theirs in zip(seconds[0], its, strict=True)),
        )
        for (goal, _, way), its in zip(there, seconds[1:], strict=True)
    ]
    return rows + [Row(claim, name, goal) for goal, name, _ in peers if not installed(name)]


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread: those that wait for one another would be counted as working."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _seconds(way: Way) -> float:
    """What one call costs: CPU time of this process and of those that it started and that ended.

    On a machine with other work it repeats far better than the clock on the wall.
    """
    start = _cpu()
    way.work()
    return _cpu() - start


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def table(rows: Sequence[Row]) -> str:
    """The rows as a table in Markdown."""
    head = ["claim", "ours, images/s", "peer, images/s", "ratio (n, spread)", "goal", "met?"]
    return table_of(head, [row.cells() for row in rows])


def table_of(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["--"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def report(rows: Sequence[Row], command: str) -> str:
    """RESULTS.md: when, where, with what, by which command, and the table."""
    here = environment()
    versions = {name: here["versions"][name] for name in SHOWN}
    versions["fastai"] = importlib.metadata.version("fastai") if installed("fastai") else "missing"
    machine = here["machine"]
    return "\n".join(
        [
            "# What the kit's speed is worth",
            "",
            f"- date: {time.strftime('%Y-%m-%d')}",
            f"- hardware: {_processor()}, {machine['cores']} cores, {machine['memory_gb']} GB; "
            f"GPU: {', '.join(here['gpus']) or 'none'}",
            f"- versions: Python {platform.python_version()}, "
            + ", ".join(f"{name} {version}" for name, version in versions.items()),
            "- settings, for the peers too: "
            + ", ".join(f"{name}={os.environ.get(name, 'none')}" for name in SETTINGS),
            f"- command: `{command}`",
            "",
            "Images per second are per second of CPU time, worker processes included; a ratio is the peer's",
            "time over ours, the median of repetitions in turns; its spread is the least and the largest.",
            "",
            table(rows),
            "",
        ]
    )


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def effort(
    parser: argparse.ArgumentParser, words: Sequence[str] | None = None
) -> tuple[Effort, argparse.Namespace]:
    """The effort that `--quick` and `--data` ask for, and all that was asked for."""
    parser.add_argument("--quick", action="store_true", help="few images, two repetitions")
    parser.add_argument("--data", type=Path, help="a folder of JPEG files, instead of made-up ones")
    asked = parser.parse_args(words)
    chosen = QUICK if asked.quick else Effort()
    return Effort(chosen.images, chosen.repeats, asked.data), asked


def alone(measure: Callable[[Effort], list[Row]]) -> None:
    """Run one benchmark from the command line and print its table."""
    chosen, _ = effort(argparse.ArgumentParser(description=measure.__doc__))
    print(table(measure(chosen)))


def write_results(path: Path, text: str, *, of_gpu: bool = False) -> None:
    """Write a machine's part of the results, before the mark `ON_A_GPU` or behind it; the other part stays."""
    parts = path.read_text(encoding="utf-8").split(ON_A_GPU) if path.is_file() else [""]
    parts = [parts[0], parts[1] if len(parts) > 1 else ""]
    parts[of_gpu] = text
    path.write_text(ON_A_GPU.join(parts) if parts[1] else parts[0], encoding="utf-8")
