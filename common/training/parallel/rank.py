"""A program: start the processes that train one model together (torch's elastic launcher), or end them.

`python -m common.training.parallel.rank TASK`; TASK is the pickle that `launch.py` wrote. It ends
when its stdin is closed, as it is when its parent dies.
"""

import os
import pickle
import signal
import sys
import threading
import time
import traceback
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from common.data.batches.batching import Share
from common.errors import KitError
from common.inference.smaller_batches import is_out_of_memory
from common.storage import replacing
from common.training.loop import train
from common.training.parallel.launch import ERROR
from common.training.parallel.ranks import Together
from common.training.run_context import open_run_context

EXCHANGE_S = 30.0  # for a first all-reduce, which takes a second with all that it sets up
PEER_S = 3.0  # in which the launcher sees that a process has died
VALUES = 1 << 20


def main() -> int:
    """Start as many processes as the recipe says, and wait for them; 0: they have trained."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    task = Path(sys.argv[1])
    _, (job, (recipe, *_), *_) = pickle.loads(task.read_bytes())
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=recipe.gpus,
        run_id=str(os.getpid()),
        rdzv_backend="c10d",
        rdzv_endpoint="127.0.0.1:0",
        local_addr="127.0.0.1",
        max_restarts=0,
        monitor_interval=0.1,
        start_method="spawn",
    )
    try:
        elastic_launch(config, rank_main)(str(task))
    except ChildFailedError as error:
        first = min(error.failures.items(), key=lambda each: each[1].timestamp)
        number, code = first[0], first[1].exitcode
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        told = KitError(
            f"process {number} of the {recipe.gpus} that were training {job.name} has died ({how}): if "
            "memory ran out, lower batch_size=; run the same command again to resume"
        )
        _tell(task, told)
        return 1
    return 0


def rank_main(task: str) -> None:
    """Train as one of the processes; a failure is left beside the task, the first one counts."""
    try:
        _train(*pickle.loads(Path(task).read_bytes())[1])
    except Exception as error:  # process boundary: the parent raises it again
        if is_out_of_memory(error):
            error = KitError(
                "training does not fit in a GPU's memory: lower batch_size=, or raise gpus="
            )
        if not isinstance(error, KitError):
            time.sleep(
                PEER_S
            )  # of a lost connection the launcher tells the cause, and ends this process
        error.add_note(traceback.format_exc())
        _tell(Path(task), error)
        os._exit(1)  # a collective that hangs must not hold it
    dist.destroy_process_group()


def check_exchange(device: torch.device, seconds: float = EXCHANGE_S) -> None:
    """Sum numbers over all processes, as training will.

    Raises:
        KitError: it does not end, or the sum is wrong: peer access of the GPUs is broken.
    """
    count = dist.get_world_size()
    values = torch.full((VALUES,), dist.get_rank() + 1.0, device=device)
    work, begun = dist.all_reduce(values, async_op=True), time.monotonic()
    while not work.is_completed():
        if time.monotonic() - begun > seconds:
            raise KitError(_broken(count, f"has not ended after {seconds:g} s"))
        time.sleep(0.01)
    work.wait()
    if not bool((values == count * (count + 1) / 2).all()):
        raise KitError(_broken(count, "gives a wrong sum"))


def _broken(count: int, what: str) -> str:
    return (
        f"an exchange of numbers between the {count} GPUs {what}: peer access between them is broken; "
        "set NCCL_P2P_DISABLE=1 in the environment and call again, or gpus=1"
    )


def _train(job: Any, args: Any, kwargs: Any, folder: Path, threads: int) -> None:
    torch.set_num_threads(threads)
    recipe, number = args[0], int(os.environ["RANK"])
    on_gpu = torch.cuda.is_available() and recipe.device != "cpu"
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    else:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    # The first process validates while the others wait: as long as it takes.
    dist.init_process_group("nccl" if on_gpu else "gloo", timeout=timedelta(days=7))
    context = open_run_context(*args, **kwargs)
    check_exchange(context.device)
    share = Share(number, recipe.gpus)
    source = replace(context.source, share=share)  # type: ignore[type-var]
    context = replace(context, source=source, ranks=Together(share))
    for _ in train(job, context, folder):
        pass


def _tell(task: Path, error: Exception) -> None:
    path = task.with_name(ERROR)
    if path.exists():
        return
    try:
        pickle.loads(text := pickle.dumps(error))
    except Exception:
        text = pickle.dumps(RuntimeError(traceback.format_exc()))
    with replacing(path) as temporary:
        temporary.write_bytes(text)


def _end_with_parent() -> None:
    """End this program and all that it started once stdin is closed."""
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
