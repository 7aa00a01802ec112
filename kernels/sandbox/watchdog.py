"""What a started process has become: its descendants, their memory, their end, and nothing left over."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE_S = 10.0  # for killed processes to be gone
# A shell of its own that outlives whoever is killed: it reads the number of the process to end, then
# nothing until its stdin is closed; without a word before that, its writer has died.
KEEPER = """
read -r first && { read -r word || kill -9 "-$first"; }
cd / && chmod -R u+rwX "$1" && rm -rf "$1"
"""


@contextmanager
def passing_folder(prefix: str) -> Iterator[tuple[Path, "subprocess.Popen[bytes]"]]:
    """A temporary folder that goes in any case, even when this very process is killed.

    Beside it its keeper, to be told by `tell` of the process to end then.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    keeper = subprocess.Popen(
        ["/bin/sh", "-c", KEEPER, "sh", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield folder, keeper
    finally:
        keeper.communicate(b"over\n" * 2)  # one line more where it was told of a process


def tell(keeper: "subprocess.Popen[bytes]", first: int) -> None:
    """Have a keeper end this process, and those of its group, when our own is killed."""
    assert keeper.stdin
    keeper.stdin.write(f"{first}\n".encode())
    keeper.stdin.flush()


def end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process that leads a session of its own, with all that it has begun; wait for the end."""
    until = time.monotonic() + PATIENCE_S
    with suppress(ProcessLookupError, PermissionError):  # gone; or, on macOS, going
        os.killpg(process.pid, signal.SIGKILL)
    while (there := members(process.pid)) and time.monotonic() < until:
        for number in there:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        time.sleep(0.005)
    process.wait()


def members(first: int) -> list[int]:
    """The processes that live in a session or descend from its first; none where there is no /proc."""
    parents: dict[int, int] = {}
    found = {first}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            text = path.read_text(encoding="utf-8", errors="replace")
            state, parent, _, session = text.rpartition(")")[2].split()[:4]
            if state not in "ZX":
                parents[int(path.parent.name)] = int(parent)
                if int(session) == first:
                    found.add(int(path.parent.name))
    while more := {number for number, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found & parents.keys())


def anonymous_mb(first: int) -> float:
    """The memory of those processes that no file stands behind (RssAnon), in MB of 2^20 bytes."""
    total = 0
    for number in members(first):
        with suppress(OSError):
            text = Path(f"/proc/{number}/status").read_text(encoding="utf-8", errors="replace")
            total += sum(int(line.split()[1]) for line in text.splitlines() if "RssAnon:" in line)
    return total / 1024
