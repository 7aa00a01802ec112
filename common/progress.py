"""Lines, and bars with the time left: on stderr, so that stdout is for results."""

import math
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from multiprocessing import parent_process
from typing import Any, Self, TypeVar

from tqdm import tqdm

T = TypeVar("T")
BAR_S = 1.0  # what takes less shows no bar
LINE_S = 60.0  # between the lines that stand for a bar where there is no terminal


_on_stdout = ContextVar("_on_stdout", default=False)


def say(text: str = "") -> None:
    """Print one line to stderr, above any progress bar; to stdout while it is `listed`."""
    tqdm.write(text, file=sys.stdout if _on_stdout.get() else sys.stderr)


@contextmanager
def listed() -> Iterator[None]:
    """What is said is what was asked for, a list: it can be piped."""
    token = _on_stdout.set(True)
    try:
        yield
    finally:
        _on_stdout.reset(token)


def bar(
    total: int, label: str, unit: str = "images", *, done: int = 0, lines: bool = True
) -> "tqdm[Any] | Lines":
    """A progress bar with the time left for `total` units, `done` of them before this call.

    It appears after a second, so that what is quick shows none. Where stderr is no terminal a line
    is said each minute instead, if `lines`; in a process beside others nothing is.
    """
    alone = parent_process() is None
    if alone and not sys.stderr.isatty():
        return Lines(total, label, unit, done=done, every_s=LINE_S if lines else math.inf)
    return tqdm(
        total=total,
        initial=done,
        desc=label,
        unit=f" {unit}",
        disable=not alone,
        leave=False,
        delay=BAR_S,
        dynamic_ncols=True,
        unit_scale=total > 100_000,
        file=sys.stderr,
    )


def tracked(values: Sequence[T], label: str, unit: str) -> Iterator[T]:
    """The values one by one, with a bar of how many have been taken."""
    with bar(len(values), label, unit) as progress:
        for value in values:
            yield value
            progress.update(1)


class Lines:
    """What a bar is without a terminal: a line each minute with what is done and the time left."""

    def __init__(self, total: int, label: str, unit: str, *, done: int, every_s: float) -> None:
        self.total, self.label, self.unit, self.every_s = total, label, unit, every_s
        self.first = self.count = done
        self.begun = self.told = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def update(self, n: float | None = 1) -> None:
        """Note `n` units more."""
        self.count += int(n or 0)
        now = time.monotonic()
        if now - self.told < self.every_s or self.count >= self.total:
            return
        self.told = now
        left = (now - self.begun) * (self.total - self.count) / max(1, self.count - self.first)
        say(
            f"{self.label}: {self.count:,} of {self.total:,} {self.unit}, "
            f"{tqdm.format_interval(left)} left"
        )


def span(counts: Iterable[int]) -> str:
    """The least and the largest: '14', or '14 to 16'."""
    found = [*counts]
    return " to ".join(f"{each:,}" for each in sorted({min(found), max(found)}))


def counted(count: int, noun: str) -> str:
    """Format a count with its noun: "1 row", "1,797 rows"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def first_of(names: Sequence[str], limit: int = 5) -> str:
    """Names to the first few and the number of the others: 'a, b and 7 more'."""
    shown = ", ".join(str(name) for name in names[:limit])
    rest = len(names) - limit
    return f"{shown} and {rest:,} more" if rest > 0 else shown
