"""Follow a pushed kernel to its end: status, log lines, and why it failed."""

import json
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from common.kaggle.client.errors import KaggleError
from common.kaggle.client.kernel_push import KIND, Pushed
from common.kaggle.client.retry import Environment, call
from common.kaggle.client.waiting import pauses, polling, rest
from common.kaggle.protocol import ABSENT

FIRST_POLL_S, LONGEST_POLL_S = 1.0, 30.0
LAST_LINES = 15
LONGEST_S = 24 * 3600.0  # a queue and a run of twelve hours


class Line(NamedTuple):
    """One line of a log: "stdout" or "stderr", seconds since the start, what was printed."""

    stream: str
    seconds: float
    text: str


class State(NamedTuple):
    """How a version's run stands, in Kaggle's word for it, and why it failed."""

    status: str
    failure: str


class KernelError(KaggleError):
    """The kernel ran and failed; `log` has all its lines, the message the last ones."""

    def __init__(self, sentence: str, log: Sequence[Line] = ()) -> None:
        tail = [line.text for line in log[-LAST_LINES:]]
        super().__init__("\n".join([sentence, *tail]))
        self.log = log


def session(pushed: Pushed, *, environment: Environment = None) -> State:
    """How the run of this version stands: QUEUED, RUNNING, COMPLETE, ERROR …"""
    return _state(_asked(pushed, environment, log=False))


def log(pushed: Pushed, *, environment: Environment = None) -> list[Line]:
    """What this version has printed; while it runs the site may show nothing of it."""
    request = _request("kernel_log", pushed)
    found = call(request, "reading the log of", environment, what=KIND)
    return lines_of(found["log"])


def follow(
    pushed: Pushed, *, timeout_s: float = LONGEST_S, environment: Environment = None
) -> State:
    """Wait until this version has run, and return how it ended: COMPLETE.

    Raises:
        KernelError: it failed or was cancelled; with the reason and the end of its log.
        KaggleError: it goes on after `timeout_s`, or cannot be asked about.
    """
    told = ""
    with polling(FIRST_POLL_S, LONGEST_POLL_S, timeout_s, growth=1.5) as looks:
        for number, look in enumerate(looks):
            found = (
                _asked(pushed, environment, log=True) if number else _appeared(pushed, environment)
            )
            state = _state(found)
            if state.status == "COMPLETE":
                return state
            if state.status in ("ERROR", "CANCEL_ACKNOWLEDGED"):
                break
            last = ([""] + [line.text for line in lines_of(found["log"]) if line.text])[-1]
            now = f"{_plain(state.status)}{': ' * bool(last)}{last[:100]}"
            if now != told or sys.stderr.isatty():
                look.show(
                    f"version {pushed.version} of {pushed.name} ({look.waited:.0f} s) is {now}"
                )
            told = now
            if look.last:
                raise KaggleError(
                    f"version {pushed.version} of {pushed.name} is {_plain(state.status)} after "
                    f"{look.waited:.0f} s; the same command waits on, or look at {pushed.url}"
                )
    raise _failed(pushed, state, lines_of(found["log"]) or log(pushed, environment=environment))


def _appeared(pushed: Pushed, environment: Environment) -> dict[str, Any]:
    """What `_asked` finds first: a version that was pushed a moment ago may not be shown yet."""
    for pause in [*pauses(), None]:
        try:
            return _asked(pushed, environment, log=True)
        except KaggleError as error:
            absent = getattr(error.__cause__, "status", 0) in ABSENT
            if not absent or pause is None:
                raise
        rest(f"{pushed.name} is not shown yet", pause, "looking again")
    raise AssertionError  # the last attempt returns or raises


def _failed(pushed: Pushed, state: State, lines: list[Line]) -> KernelError:
    reason = (state.failure or "no reason was given").rstrip(".")
    ended = "was cancelled" if state.status == "CANCEL_ACKNOWLEDGED" else f"failed: {reason}"
    printed = (
        f"what it printed last ({pushed.url}):"
        if lines
        else (f"it printed nothing, perhaps {pushed.url} says more")
    )
    return KernelError(f"version {pushed.version} of {pushed.name} {ended}; {printed}", lines)


def _request(operation: str, pushed: Pushed, **more: Any) -> dict[str, Any]:
    return {"operation": operation, "slug": pushed.name, "version": pushed.version, **more}


def _asked(pushed: Pushed, environment: Environment, *, log: bool) -> dict[str, Any]:
    request = _request("kernel_session", pushed, log=log)
    return dict(call(request, "asking about", environment, what=KIND))


def _state(found: dict[str, Any]) -> State:
    return State(found["status"], found["failure"])


def _plain(status: str) -> str:
    return status.lower().replace("_", " ")


def lines_of(text: str) -> list[Line]:
    """The lines of a log as Kaggle keeps it: pieces of output in the order they came.

    A text that is none of Kaggle's JSON is taken as it is.
    """
    try:
        pieces = json.loads(text or "[]")
    except ValueError:
        return [Line("stdout", 0.0, line) for line in text.splitlines()]
    lines: list[Line] = []
    unfinished: dict[str, int] = {}  # by stream: its last line, as long as no newline ended it
    for piece in pieces:
        stream, seconds = str(piece.get("stream_name", "stdout")), float(piece.get("time") or 0)
        for part in str(piece.get("data", "")).splitlines(keepends=True):
            place = unfinished.pop(stream, None)
            if place is None:
                place = len(lines)
                lines.append(Line(stream, seconds, ""))
            lines[place] = lines[place]._replace(text=lines[place].text + part.rstrip("\r\n"))
            if not part.endswith("\n"):
                unfinished[stream] = place
    return lines
