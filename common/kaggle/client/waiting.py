"""Timeouts, retry pauses and polling, and the line that shows them.

KIT_SILENCE and KIT_LISTED (seconds) and KIT_PAUSES (seconds, with commas between them) override these.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from common.errors import KitError
from common.progress import say

SILENCE_S = 90.0  # without any answer or any further byte
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # before the second attempt, the third …
LISTED_S = 15.0  # in which a list shows what was made: it is looked at for so long at least


def silence_s() -> float:
    """Seconds of silence after which a request is given up."""
    return _numbers("KIT_SILENCE", (SILENCE_S,))[0]


def listed_s() -> float:
    """Seconds for which a list is looked at, before what it does not hold is taken for not made."""
    return _numbers("KIT_LISTED", (LISTED_S,))[0]


def pauses() -> list[float]:
    """Seconds to wait before each further attempt; as many attempts as there are numbers."""
    return list(_numbers("KIT_PAUSES", PAUSES_S))


def rest(said: str, seconds: float, then: str = "trying again") -> None:
    """Say what happened and wait; on a terminal the seconds are counted down in place."""
    if not sys.stderr.isatty():
        say(f"{said}; {then} in {seconds:.0f} s")
        time.sleep(seconds)
        return
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        _over(f"{said}; {then} in {left:.0f} s ")
        time.sleep(min(left, 1.0))
    print(f"\r{said}; {then} now\033[K", file=sys.stderr, flush=True)


@contextmanager
def waiting() -> Iterator[Callable[[str], None]]:
    """Yield a function that shows how a wait stands: one line that changes, on a terminal."""
    terminal, shown = sys.stderr.isatty(), False

    def show(text: str) -> None:
        nonlocal shown
        if terminal:
            shown = True
            _over(text)
        else:
            say(text)

    try:
        yield show
    finally:
        if shown:
            print(file=sys.stderr, flush=True)


class Look(NamedTuple):
    """One look at something that is waited for.

    Attributes:
        waited: seconds since the first look.
        last: is the time over before the next one?
        show: how the wait stands, in words.
    """

    waited: float
    last: bool
    show: Callable[[str], None]


@contextmanager
def polling(
    first_s: float, longest_s: float, timeout_s: float, *, growth: float = 2.0
) -> Iterator[Iterator[Look]]:
    """Yield looks, the first at once and the others ever longer apart, without an end."""

    def looks(show: Callable[[str], None]) -> Iterator[Look]:
        begun, pause = time.monotonic(), first_s
        while True:
            waited = time.monotonic() - begun
            yield Look(waited, waited + pause > timeout_s, show)
            time.sleep(pause)
            pause = min(pause * growth, longest_s)

    with waiting() as show:
        yield looks(show)


def _over(text: str) -> None:
    """Write over the terminal's last line, and never beyond its edge: the rest would stay."""
    room = shutil.get_terminal_size().columns - 1
    shown = text if len(text) <= room else f"{text[: room - 1]}…"
    print(f"\r{shown}\033[K", end="", file=sys.stderr, flush=True)


def _numbers(name: str, otherwise: tuple[float, ...]) -> tuple[float, ...]:
    text = os.environ.get(name, "")
    try:
        found = tuple(float(word) for word in text.split(",")) if text else otherwise
    except ValueError:
        found = (-1.0,)
    if min(found) < 0:
        raise KitError(f"{name}={text} is no list of seconds: such as 1,2,4, or leave it unset")
    return found
