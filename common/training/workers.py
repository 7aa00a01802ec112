"""Jobs on several processes, one a GPU: each trains its job by itself, by the one loop.

A job's numbers depend on its seed, its fold and its rows, never on what was trained before it or
beside it: wherever it is trained, they are the same. The parent owns the run and the screen, and
hands the jobs out one by one.
"""

import pickle
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing import get_context, get_start_method, parent_process, set_start_method
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from os import _exit
from pathlib import Path
from typing import Any

import torch

from common.errors import KitError
from common.progress import bar
from common.training.checkpoint import Record
from common.training.context import Setting, open_setting
from common.training.jobs import Job
from common.training.loop import train

GLANCE_S = 1.0  # between looks at whether a silent worker still lives
TIDY_S = 5.0  # that a worker is given to end by itself


@dataclass
class Worker:
    """A process that trains a job at a time; `facts`: seconds to open, peaks of memory in MB."""

    process: BaseProcess
    channel: "Connection[Any, Any]"
    facts: dict[str, float]
    begun: float = field(default_factory=time.perf_counter)
    job: Job | None = None


def count_of(setting: Setting, jobs: int) -> int:
    """How many processes train so many jobs: the recipe's `processes`; by default one a GPU."""
    gpus = torch.cuda.device_count() if setting.device.type == "cuda" else 1
    return min(setting.recipe.processes or gpus, jobs)


@contextmanager
def started(setting: Setting, count: int, folder: Path) -> Iterator[list[Worker]]:
    """So many workers for jobs below `folder`; none where one would do, for that is this process.

    They end with the block, however it ends, and with this process, however it ends.
    """
    workers: list[Worker] = []
    try:
        # Ctrl-C is for the parent, which ends its workers: they are born with it blocked.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            for number in range(count if count > 1 else 0):
                workers.append(_start(setting, number, folder))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield workers
        for worker in workers:  # all is done: they end by themselves
            worker.process.join(TIDY_S)
    finally:
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join()
            worker.channel.close()


def trained(
    jobs: Sequence[Job], setting: Setting, folder: Path, workers: Sequence[Worker]
) -> Iterator[tuple[Job, Record | None]]:
    """Train the jobs into their folders below `folder`, here or on the workers.

    Yields:
        a job and the figures of an epoch as soon as there are any; a job and None at its end.

    Raises:
        KitError: a worker's process was ended from outside.
        Exception: whatever a job raised, `Diverged` for one; the other workers stop.
    """
    if not workers:
        for job in jobs:
            for record in train(job, setting, folder / job.name):
                yield job, record
            yield job, None
        return
    waiting, busy = deque(jobs), list(workers)
    epochs = len(jobs) * setting.recipe.epochs
    with bar(epochs, f"{len(workers)} processes", "epochs") as progress:
        while busy:
            worker, kind, value = _heard(busy)
            if kind == "failed":
                raise value
            if kind == "epoch":
                assert worker.job
                _see(worker, host_mb=value["peak_memory_mb"])
                yield worker.job, value
                progress.update()
                continue
            _see(worker, **value)
            if worker.job is not None:
                yield worker.job, None
            worker.job = waiting.popleft() if waiting else None
            worker.channel.send(worker.job)
            if worker.job is None:
                busy.remove(worker)


def _start(setting: Setting, number: int, folder: Path) -> Worker:
    context = get_context("spawn")  # what CUDA has begun does not survive a fork
    channel, theirs = context.Pipe()
    gpus = torch.cuda.device_count() if setting.device.type == "cuda" else 0
    gpu = number % gpus if gpus else None
    # A second GPU that could do more, or less, would otherwise choose a precision of its own.
    recipe = replace(setting.recipe, precision=setting.precision)
    alike = (recipe, setting.store, setting.targets)
    more = {"classes": setting.classes, "metric": setting.metric, "cache": setting.cache}
    opening = (alike, more, torch.get_num_threads(), gpu, get_start_method())
    process = context.Process(target=_work, args=(theirs, opening, folder), name=f"kit-{number}")
    process.start()
    theirs.close()
    return Worker(process, channel, {} if gpu is None else {"gpu": gpu})


def _work(channel: "Connection[Any, Any]", opening: Any, folder: Path) -> None:
    """A worker's life: open the setting, then train the jobs that come through the channel."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    alike, more, threads, gpu, method = opening
    set_start_method(method, force=True)  # or a kill is followed by words on tqdm's lock
    torch.set_num_threads(threads)  # other threads would add in another order
    try:
        if gpu is not None:
            torch.cuda.set_device(gpu)
        setting = open_setting(*alike, **more, trained=False)
        channel.send(("idle", {}))
        while (job := channel.recv()) is not None:
            for record in train(job, setting, folder / job.name):
                channel.send(("epoch", record))
            peak = {} if gpu is None else {"device_mb": torch.cuda.max_memory_allocated() / 2**20}
            channel.send(("idle", peak))
    except Exception as error:  # the boundary of a process: the parent raises it again
        channel.send(("failed", _portable(error)))


def _end_with_parent() -> None:
    """Nothing is left that writes into a run which nobody holds."""
    parent = parent_process()
    assert parent
    parent.join()
    _exit(1)


def _portable(error: Exception) -> Exception:
    """The error, with the place it came from for whoever wants the traceback."""
    place = traceback.format_exc()
    error.add_note(place)
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(place)
    return error


def _heard(busy: Sequence[Worker]) -> tuple[Worker, str, Any]:
    """The next message, and whose it is."""
    workers = {worker.channel: worker for worker in busy}
    while True:
        # What a dead worker said is heard first.
        for channel in wait([*workers], timeout=GLANCE_S):
            worker = workers[channel]  # type: ignore[index]
            try:
                kind, value = worker.channel.recv()
            except (EOFError, ConnectionError):
                raise _ended(worker) from None
            return worker, kind, value
        for worker in busy:
            if not worker.process.is_alive() and not worker.channel.poll():
                raise _ended(worker)


def _ended(worker: Worker) -> KitError:
    worker.process.join(GLANCE_S)
    code = worker.process.exitcode or 0
    what = f"was training {worker.job.name}" if worker.job else "was to train"
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return KitError(
        f"the process that {what} has ended ({how}): if the memory is used up, lower "
        "processes= or batch_size=; the same command goes on where it was"
    )


def _see(worker: Worker, **megabytes: float) -> None:
    worker.facts.setdefault("opening_seconds", round(time.perf_counter() - worker.begun, 2))
    for name, value in megabytes.items():
        worker.facts[name] = round(max(value, worker.facts.get(name, 0.0)), 1)
