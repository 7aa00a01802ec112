"""What a waiting person sees: words and bars on stderr, so that stdout stays for results."""

import sys
from collections.abc import Sequence
from multiprocessing import parent_process
from typing import Any, TypeVar

from tqdm import tqdm

T = TypeVar("T")


def say(text: str = "") -> None:
    """One line to the person at the screen (stderr), written above any bar that is being drawn."""
    tqdm.write(text, file=sys.stderr)


def bar(total: int, label: str, unit: str = "images", *, done: int = 0) -> "tqdm[Any]":
    """A progress bar of `total` units, `done` of them before this call.

    Silent off a terminal, and in a process beside others.
    """
    return tqdm(
        total=total,
        initial=done,
        desc=label,
        unit=f" {unit}",
        disable=None if parent_process() is None else True,
        leave=False,
        dynamic_ncols=True,
        unit_scale=total > 100_000,
        file=sys.stderr,
    )


def counted(count: int, noun: str) -> str:
    """ "1 row", "1,797 rows": for nouns whose plural takes an s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def first_of(names: Sequence[str], limit: int = 5) -> str:
    """The first few names of a long list, and how many more there are: 'a, b and 7 more'."""
    shown = ", ".join(str(name) for name in names[:limit])
    rest = len(names) - limit
    return f"{shown} and {rest:,} more" if rest > 0 else shown
