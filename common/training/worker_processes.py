"""Training jobs on several worker processes, one per GPU; each runs the ordinary training loop.

A job's result depends on its seed, fold and rows alone, not on which process trains it or what else
that process has trained. The parent owns the run folder and the screen and sends out one job at a time.
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
from common.training.checkpoint import Record
from common.training.devices import device_peak
from common.training.jobs import Job
from common.training.memory import check_memory, train_job
from common.training.run_context import RunContext, open_run_context

POLL_S = 1.0  # between checks that a silent worker is alive
JOIN_S = 5.0  # to wait for a worker to exit by itself


@dataclass
class Worker:
    """A process that trains one job at a time; `stats`: start-up seconds, peak memory in MB."""

    process: BaseProcess
    channel: "Connection[Any, Any]"
    stats: dict[str, float]
    begun: float = field(default_factory=time.perf_counter)
    job: Job | None = None


def worker_count(context: RunContext, jobs: int) -> int:
    """The number of processes for so many jobs: the recipe's `processes`, by default one per GPU."""
    gpus = torch.cuda.device_count() if context.device.type == "cuda" else 1
    return min(context.recipe.processes or gpus, jobs)


@contextmanager
def start_workers(context: RunContext, count: int, folder: Path) -> Iterator[list[Worker]]:
    """Start `count` workers that train below `folder`; with 1, none: this process trains itself.

    They are ended on leaving the block, and exit by themselves when this process dies.
    """
    workers: list[Worker] = []
    try:
        # The parent handles Ctrl-C and ends its workers, so they start with SIGINT blocked.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            for number in range(count if count > 1 else 0):
                workers.append(_start(context, number, folder))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield workers
        for worker in workers:  # no jobs are left: they exit by themselves
            worker.process.join(JOIN_S)
    finally:
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join()
            worker.channel.close()


def run_jobs(
    jobs: Sequence[Job], context: RunContext, folder: Path, workers: Sequence[Worker]
) -> Iterator[tuple[Job, Record | None]]:
    """Train jobs into their folders below `folder`, in this process or on the workers.

    Yields:
        (job, log record) after every epoch, and (job, None) when a job is finished.

    Raises:
        KitError: a worker process died.
        Exception: what a job raised, such as `Diverged`; the other workers are stopped.
    """
    if not workers:
        check_memory(jobs[0], context)
        for job in jobs:
            for record in train_job(job, context, folder / job.name):
                yield job, record
            yield job, None
        return
    waiting, busy = deque(jobs), list(workers)
    while busy:
        worker, kind, value = _next_message(busy)
        if kind == "failed":
            raise value
        if kind == "epoch":
            assert worker.job
            _record_stats(worker, host_mb=value["peak_memory_mb"], **_device_stats(value))
            yield worker.job, value
            continue
        _record_stats(worker, **value)
        if worker.job is not None:
            yield worker.job, None
        worker.job = waiting.popleft() if waiting else None
        worker.channel.send(worker.job)
        if worker.job is None:
            busy.remove(worker)


def _start(context: RunContext, number: int, folder: Path) -> Worker:
    spawn = get_context("spawn")  # CUDA does not survive a fork
    channel, child_end = spawn.Pipe()
    gpus = torch.cuda.device_count() if context.device.type == "cuda" else 0
    gpu = number % gpus if gpus else None
    # The parent's precision: another GPU model could otherwise choose a different one.
    recipe = replace(context.recipe, precision=context.precision)
    args = (recipe, context.store, context.targets)
    kwargs = {"weights": context.weights, "evaluator": context.evaluator, "cache": context.cache}
    context_args = (args, kwargs, torch.get_num_threads(), gpu, get_start_method())
    process = spawn.Process(
        target=_worker_main, args=(child_end, context_args, folder), name=f"kit-{number}"
    )
    process.start()
    child_end.close()
    return Worker(process, channel, {} if gpu is None else {"gpu": gpu})


def _worker_main(channel: "Connection[Any, Any]", context_args: Any, folder: Path) -> None:
    """A worker's main function: build the run context, then train the jobs from the channel."""
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    args, kwargs, threads, gpu, method = context_args
    set_start_method(method, force=True)  # otherwise a kill leaves a warning about tqdm's lock
    torch.set_num_threads(threads)  # another number of threads sums in another order
    try:
        if gpu is not None:
            torch.cuda.set_device(gpu)
        context = open_run_context(*args, **kwargs, trained=False)
        channel.send(("idle", {}))
        for number, job in enumerate(iter(channel.recv, None)):
            if number == 0:
                check_memory(job, context)
            for record in train_job(job, context, folder / job.name):
                channel.send(("epoch", record))
            # After an epoch's record comes its validation.
            channel.send(("idle", _device_stats(device_peak(context.device))))
    except Exception as error:  # process boundary: the parent raises it again
        channel.send(("failed", _picklable(error)))


def _device_stats(peaks: dict[str, float]) -> dict[str, float]:
    """A log record, or `device_peak`'s result, to the worker's `device_mb`; empty on a CPU."""
    return {"device_mb": peaks["device_peak_mb"]} if "device_peak_mb" in peaks else {}


def _exit_with_parent() -> None:
    """Exit when the parent dies, so that nothing writes into a run that is no longer locked."""
    parent = parent_process()
    assert parent
    parent.join()
    _exit(1)


def _picklable(error: Exception) -> Exception:
    """The error with its traceback as a note; a RuntimeError where it cannot be pickled."""
    trace = traceback.format_exc()
    error.add_note(trace)
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(trace)
    return error


def _next_message(busy: Sequence[Worker]) -> tuple[Worker, str, Any]:
    """Wait for the next message: its worker, kind and value."""
    workers = {worker.channel: worker for worker in busy}
    while True:
        # A dead worker's last messages are read before its death is reported.
        for channel in wait([*workers], timeout=POLL_S):
            worker = workers[channel]  # type: ignore[index]
            try:
                kind, value = worker.channel.recv()
            except (EOFError, ConnectionError):
                raise _death_error(worker) from None
            return worker, kind, value
        for worker in busy:
            if not worker.process.is_alive() and not worker.channel.poll():
                raise _death_error(worker)


def _death_error(worker: Worker) -> KitError:
    worker.process.join(POLL_S)
    code = worker.process.exitcode or 0
    what = f"was training {worker.job.name}" if worker.job else "was to train"
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return KitError(
        f"the process that {what} has died ({how}): if memory ran out, lower "
        "processes= or batch_size=; run the same command again to resume"
    )


def _record_stats(worker: Worker, **megabytes: float) -> None:
    worker.stats.setdefault("opening_seconds", round(time.perf_counter() - worker.begun, 2))
    for name, value in megabytes.items():
        worker.stats[name] = round(max(value, worker.stats.get(name, 0.0)), 1)
