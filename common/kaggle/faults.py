"""What can be made to go wrong at the loopback host, on purpose and a counted number of times."""

import threading
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        method: the call it happens to: an RPC's name ("CreateSubmission"), or "PUT" (the bytes of
            a submission) or "GET" (the bytes of a download).
        status: the error answered in place of doing it; 0: it is done, and the answer is lost.
        times: how many of the next calls it happens to.
    """

    method: str
    status: int = 0
    times: int = 1


class Faults:
    """The faults still to come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: list[tuple[Fault, int]] = []

    def add(self, fault: Fault) -> None:
        """Let it happen to the next calls of its method."""
        with self._lock:
            self._left.append((fault, fault.times))

    def take(self, method: str) -> Fault | None:
        """The fault this call meets, counted down; None for a call that goes well."""
        with self._lock:
            for place, (fault, left) in enumerate(self._left):
                if fault.method == method:
                    self._left[place : place + 1] = [(fault, left - 1)] if left > 1 else []
                    return fault
        return None
