"""Ray's machines for tests: two raylets of this machine, each with a cache of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common.workflow import train_models

SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}


def until(true: Callable[[], Any], seconds: float = 600) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children(process: int) -> set[int]:
    """All processes below one, whatever the depth."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = status.read_text().rpartition(")")[2].split()[1]
        except OSError:  # it has ended meanwhile
            continue
        parents[int(status.parent.name)] = int(parent)
    found, new = set[int](), {process}
    while new := {each for each, parent in parents.items() if parent in new} - found:
        found |= new
    return found


def named(processes: set[int], word: str) -> set[int]:
    """Those of the processes whose command line has the word."""
    found = set()
    for each in processes:
        try:
            if word in Path(f"/proc/{each}/cmdline").read_text():
                found.add(each)
        except OSError:
            continue
    return found


def alive(processes: set[int]) -> set[int]:
    """Those of the processes that run, zombies not among them."""
    return {each for each in processes if Path(f"/proc/{each}/fd/0").exists()}


class Node:
    """A raylet that `ray start` began, with its own cache."""

    def __init__(self, cache: Path, *words: str) -> None:
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--num-cpus=1"]
        command += ["--node-ip-address=127.0.0.1", "--object-store-memory=100000000", *words]
        own = {"KIT_CACHE": str(cache), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self.cache = cache
        self.process = subprocess.Popen(
            command,
            env=os.environ | SETTINGS | own,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill(self) -> None:
        """SIGKILL for it and all below it."""
        for each in {self.process.pid, *children(self.process.pid)}:
            try:
                os.kill(each, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()


@contextmanager
def two_nodes(folder: Path, *words: str) -> Iterator[tuple[str, Node, Node]]:
    """A cluster's address and its two machines; none of their processes outlives the block.

    Args:
        words: more of them for the first one's `ray start`.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    temporary = tempfile.mkdtemp(prefix="kit-toy-ray-")  # sockets' names may not be long
    port = address.partition(":")[2]
    head = [f"--port={port}", f"--temp-dir={temporary}", "--include-dashboard=false"]
    nodes = [Node(folder / "one", "--head", *head, *words)]
    try:
        until(lambda: _answers(int(port)))
        nodes.append(joined(folder / "two", address, 2))
        yield address, nodes[0], nodes[1]
    finally:
        for node in nodes[::-1]:
            node.kill()
        shutil.rmtree(temporary, ignore_errors=True)


def joined(cache: Path, address: str, number: int) -> Node:
    """A machine more, which is the cluster's so manieth, those that are lost among them."""
    node = Node(cache, f"--address={address}")
    until(lambda: _nodes(address) == number)
    return node


def results(run: str | Path) -> dict[str, bytes]:
    """A run's weights, out-of-fold answers and submission."""
    names = ("fold*/weights.safetensors", "oof.npz", "submission.csv")
    found = [path for name in names for path in Path(run).glob(name)]
    return {str(path.relative_to(run)): path.read_bytes() for path in found}


def assert_nothing_left() -> None:
    """No process of Ray's below this one outlives its cluster."""
    until(lambda: not alive(named(children(os.getpid()), "ray")), 20)


def killing(monkeypatch: Any, kill: Any) -> None:
    """Call `kill` after the first epoch that is told."""
    told = train_models.EpochLines.finished_epoch

    def once(lines: Any, job: Any, record: Any) -> None:
        monkeypatch.undo()
        kill()
        told(lines, job, record)

    monkeypatch.setattr(train_models.EpochLines, "finished_epoch", once)


def _answers(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


def _nodes(address: str) -> int:
    from ray._raylet import GcsClient

    return len(GcsClient(address=address).get_all_node_info())
