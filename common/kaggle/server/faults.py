"""Fault injection at the loopback host: which call fails, how, and how many times."""

import threading
from dataclasses import dataclass

FOREVER = 1 << 30  # times


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that goes wrong; with a method alone: the call is done and its answer is lost.

    Attributes:
        method: the call it happens to: an RPC's name ("CreateSubmission"), "PUT" (the bytes of a
            submission or of a dataset's file), "GET" (the bytes of a download), "Score" (the scoring
            of a submission), "Prepare" (of a dataset's version: it fails) or "Kernel" (the run of a
            kernel).
        status: the error answered in place of doing it; with `cut_at`, when an upload has come
            that far.
        message: the reason given with `status`, or the description of a failed scoring or run.
        page: the title of a page for people, which comes as the answer; status 0: as one of 200.
        retry_after: seconds told in the header of that name.
        silent: nothing is done and nothing is ever answered; the connection stays open. With
            `cut_at`, a download falls silent there.
        slow_s: seconds that pass before it is done, whether or not anybody still listens.
        cut_at: the connection ends at this byte of the file, on its way in or out.
        corrupt_at: this byte of the file is sent wrong; the length stays right.
        ranged: only for a GET with (True) or without (False) a Range.
        times: how many of the next calls it happens to.
    """

    method: str
    status: int = 0
    message: str = "A fault made on purpose"
    page: str = ""
    retry_after: int = 0
    silent: bool = False
    slow_s: float = 0.0
    cut_at: int | None = None
    corrupt_at: int | None = None
    ranged: bool | None = None
    times: int = 1

    @property
    def loses_answer(self) -> bool:
        """Is it done, and only the answer lost?"""
        other = self.status or self.silent or self.slow_s or self.page
        return not other and self.cut_at is None and self.corrupt_at is None

    def spoilt(self, data: bytes, start: int) -> bytes:
        """`data`, which begins at byte `start` of its file, as this fault lets it through."""
        if self.corrupt_at is not None and start <= self.corrupt_at < start + len(data):
            changed = bytearray(data)
            changed[self.corrupt_at - start] ^= 0xFF
            data = bytes(changed)
        return data if self.cut_at is None else data[: max(self.cut_at - start, 0)]


class Faults:
    """The faults still to come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: list[tuple[Fault, int]] = []

    def add(self, *faults: Fault) -> None:
        """Let them happen, in this order, to the next calls of their methods."""
        with self._lock:
            self._left += [(fault, fault.times) for fault in faults]

    def clear(self) -> None:
        """Let all go well from here on."""
        with self._lock:
            self._left = []

    def take(self, method: str, *, ranged: bool = False) -> Fault | None:
        """The fault this call meets, counted down; None for a call that goes well."""
        with self._lock:
            for place, (fault, left) in enumerate(self._left):
                if fault.method == method and fault.ranged in (None, ranged):
                    self._left[place : place + 1] = [(fault, left - 1)] if left > 1 else []
                    return fault
        return None
