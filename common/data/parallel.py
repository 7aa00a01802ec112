"""Work on threads, results in order, memory bounded."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(
    work: Callable[[T], U], tasks: Iterable[T], threads: int, ahead: int = 0
) -> Iterator[U]:
    """Yield `work(task)` for each task, in the tasks' order.

    At most `threads` + 1 results (or `ahead` + 1) exist at a time, so a slow consumer slows the workers
    instead of filling the memory. When the consumer stops early, tasks that have not begun are dropped.
    """
    threads = max(1, threads)
    pending: deque[Future[U]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for task in tasks:
                pending.append(pool.submit(work, task))
                if len(pending) > max(threads, ahead):
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
