"""A connection to Ray: started on this machine, or to a cluster whose machines are alike.

Only the core of Ray is used, and only where there is more than one process is it imported.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from common.errors import KitError
from common.training.parallel.node_files import FileReader
from common.training.parallel.ray_machines import (
    Alike,
    check_alike,
    cpus_each,
    facts_here,
    gpus_each,
    lack_text,
    machines,
    on_node,
    room_on,
)
from common.training.parallel.ray_worker import work_of
from common.training.run_context import RunContext

WATCHDOG = Path(__file__).with_name("ray_watchdog.py")
STORE_BYTES = 256 << 20  # of Ray's object store: weights pass through it, images do not
ANSWER_S = 10.0  # for a cluster's head
REMEDY = "pip install 'kaggle-image-kit[ray]'"
# No reports of usage, no other Python than this one, no warning of what is not used.
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
}


@dataclass
class Cluster:
    """A connection to Ray, and what its tasks share.

    Attributes:
        place: of the cluster; empty: this machine.
        most: tasks at once; 0: as many as there is room for.
        needs: what Ray gives a task: processors and GPUs.
        workers: what each process that trains has taken: start-up seconds, peak memory in MB.
    """

    place: str
    shared: Any
    most: int
    needs: dict[str, float]
    workers: dict[str, dict[str, Any]] = field(default_factory=dict)
    reader: Any = None
    limit: int = 0

    def count_room(self) -> int:
        """How many tasks have room on the machines of now; the limit follows, if there is any."""
        room = room_on(machines(), self.needs)
        self.limit = min(self.most or room, room) or self.limit
        return room

    def lacks(self) -> str:
        """What the cluster has, what a job asks and what to do, in a sentence."""
        return lack_text(self.place, machines(), self.needs)


@contextmanager
def open_cluster(
    context: RunContext, count: int, *, key: str, code: Callable[[], str]
) -> Iterator[Cluster]:
    """Start Ray on this machine for `count` tasks at once, or connect to the recipe's cluster.

    Args:
        key: of the run: what was trained on a machine before belongs to it or not.
        code: gives the code's digest, here and on the cluster's machines.

    Raises:
        KitError: no cluster answers, no machine of it has what a job needs, or one has other
            versions or other code.
    """
    import ray

    recipe = context.recipe
    place = "" if recipe.ray == "auto" else recipe.ray
    gpus = torch.cuda.device_count() if context.device.type == "cuda" else 0
    # Twice: the first has what was before back, which Ray replaces by its own; the second replaces that.
    with terminable(), connected(place, count, gpus), terminable():
        nodes, alike = machines(), None
        here = ray.get_runtime_context().get_node_id()
        with_gpus = context.device.type == "cuda" or (
            recipe.device == "auto" and ray.cluster_resources().get("GPU", 0) > 0
        )
        needs = {"num_cpus": 1.0, "num_gpus": float(with_gpus * recipe.gpus)}
        if with_gpus and not place:
            needs["num_gpus"] = gpus_each(recipe.gpus, count, there=gpus)
        if place:
            threads = torch.get_num_threads()
            needs["num_cpus"] = cpus_each(nodes, threads, int(needs["num_gpus"]))
            if not room_on(nodes, needs):
                raise KitError(lack_text(place, nodes, needs))
            check_alike(nodes, own := facts_here(code), code)
            alike = Alike(own, code, frozenset(node["NodeID"] for node in nodes))
        work, files = work_of(context, key=key, node=here, alike=alike)
        reader = _reader(files, here) if place else None
        shared = ray.put((work, reader))
        cluster = Cluster(place, shared, count, needs, reader=reader)
        cluster.count_room()
        yield cluster


def is_installed() -> bool:
    """Is Ray there? It is not imported for that."""
    from importlib.util import find_spec

    return find_spec("ray") is not None


@contextmanager
def connected(place: str, count: int, gpus: int) -> Iterator[None]:
    """Ray, connected to the cluster at `place`, or for the block on this machine where it is empty."""
    import ray

    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if place:
        host, _, port = place.rpartition(":")
        try:
            # Where nobody answers Ray would go on trying for minutes.
            socket.create_connection((host, int(port)), ANSWER_S).close()
            with _environment(SETTINGS):
                ray.init(place, **quiet)  # type: ignore[arg-type]
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            first = " ".join(str(error).split())
            raise KitError(
                f"ray={place}: no connection to this cluster ({first}); `ray start --head` begins one, "
                "and ray=auto needs none"
            ) from error
        try:
            yield
        finally:
            ray.shutdown()
        return
    folder = tempfile.mkdtemp(prefix="kit-ray-")  # below /tmp: the names of sockets may not be long
    # Its processes are told where modules are, and how many threads sum as this process does.
    own = {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "OMP_NUM_THREADS": str(torch.get_num_threads()),
    }
    with watched(folder):
        try:
            with _environment(SETTINGS | own):
                ray.init(
                    "local",
                    num_cpus=count,
                    num_gpus=gpus,
                    include_dashboard=False,
                    object_store_memory=STORE_BYTES,
                    _temp_dir=folder,
                    _node_ip_address="127.0.0.1",
                    **quiet,  # type: ignore[arg-type]
                )
            yield
        finally:
            ray.shutdown()


@contextmanager
def terminable() -> Iterator[None]:
    """A SIGTERM in the block interrupts it as Ctrl-C does; Ray's own answer is to abort the process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def watched(folder: str) -> Iterator[None]:
    """A folder of Ray's that does not outlive the block, or this process, nor do its processes."""
    command = [sys.executable, "-I", "-S", str(WATCHDOG), folder]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as watchdog:
        try:
            yield
        finally:
            assert watchdog.stdin
            watchdog.stdin.close()
            watchdog.wait()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Environment variables for the processes that are started in the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _reader(files: dict[str, Path], node: str) -> Any:
    """The actor on this machine that reads files out to the others."""
    import ray

    return (
        ray.remote(FileReader).options(num_cpus=0, scheduling_strategy=on_node(node)).remote(files)
    )
