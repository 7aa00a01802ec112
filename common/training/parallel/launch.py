"""One model over several GPUs: its processes started, followed by their log, and ended.

torch's elastic launcher starts them (`rank.py`) and ends all when one dies. Their parent reads the log
that the first of them writes.
"""

import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from common.errors import KitError
from common.progress import say
from common.training import checkpoint
from common.training.checkpoint import Record
from common.training.jobs import Job
from common.training.run_context import RunContext

POLL_S = 0.1
TASK, ERROR, OUTPUT = "task.pickle", "error.pickle", "output.txt"


def train_on_gpus(job: Job, context: RunContext, folder: Path) -> Iterator[Record]:
    """Train one job on `gpus` of this machine's GPUs, as `loop.train` does on one.

    Raises:
        KitError: too few GPUs or images, or one of the processes died.
        Exception: what a process raised, such as `Diverged`.
    """
    recipe = context.recipe
    _check(job, context)
    with tempfile.TemporaryDirectory(prefix="kit-ranks-") as place:
        task = Path(place) / TASK
        # The parent's precision: another GPU's model could otherwise choose a different one.
        recipe = replace(recipe, precision=context.precision)
        args = (recipe, context.store, context.targets)
        kwargs: dict[str, Any] = {"weights": context.weights, "evaluator": context.evaluator}
        kwargs |= {"cache": context.cache, "trained": False}
        threads = max(1, torch.get_num_threads() // recipe.gpus)
        task.write_bytes(pickle.dumps((sys.path, (job, args, kwargs, folder, threads))))
        folder.mkdir(parents=True, exist_ok=True)
        state = checkpoint.load_state(folder)
        done = len(checkpoint.trim_log(folder, int(state["epoch"]) if state else 0))
        process = _started(task)
        try:
            running = True
            while running:
                running = process.poll() is None
                for record in checkpoint.read_log(folder)[done:]:
                    done += 1
                    yield record
                time.sleep(POLL_S if running else 0)
            if process.returncode:
                raise _failure(task, job)
        finally:
            assert process.stdin
            process.stdin.close()  # which ends what is left
            process.wait()
            with suppress(ProcessLookupError):  # where the launcher itself was killed
                os.killpg(process.pid, signal.SIGKILL)


def _check(job: Job, context: RunContext) -> None:
    gpus, there = context.recipe.gpus, torch.cuda.device_count()
    if context.device.type == "cuda" and there < gpus:
        raise KitError(f"gpus={gpus}: this machine has {there}; set gpus={there}")
    if len(job.rows) < gpus:
        raise KitError(
            f"gpus={gpus}: {job.name} has {len(job.rows)} images to train on; set gpus=1"
        )
    if context.device.type == "cpu":
        say(
            f"  gpus={gpus} without a GPU: {gpus} processes of the CPU share the model, and batch norm "
            "takes each one's own part of a batch"
        )


def _started(task: Path) -> "subprocess.Popen[bytes]":
    """The launcher's process; it ends, and with it all that it started, when its stdin is closed."""
    own = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with (task.with_name(OUTPUT)).open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "common.training.parallel.rank", str(task)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=os.environ | own,
            start_new_session=True,
        )


def _failure(task: Path, job: Job) -> Exception:
    """What one of the processes raised, or which of them died of what."""
    told = task.with_name(ERROR)
    if told.is_file():
        error: Exception = pickle.loads(told.read_bytes())
        return error
    lines = task.with_name(OUTPUT).read_text(encoding="utf-8", errors="replace").splitlines()
    return RuntimeError("\n".join([f"the processes of {job.name} did not start:", *lines[-30:]]))
