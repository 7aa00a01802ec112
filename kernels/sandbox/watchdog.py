"""Watchdog for a sandboxed process: kill its whole session, measure its memory, remove its folder."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE_S = 10.0  # for killed processes to be gone
# A shell that survives when this process is killed. It reads the pid to kill, then waits for stdin to
# close: a second line first means a normal end, none means that this process has died.
WATCHDOG = """
read -r first && { read -r word || kill -9 "-$first"; }
cd / && chmod -R u+rwX "$1" && rm -rf "$1"
"""


@contextmanager
def folder_with_watchdog(prefix: str) -> Iterator[tuple[Path, "subprocess.Popen[bytes]"]]:
    """Yield a temporary folder and its watchdog, which removes it even when this process is killed.

    `arm_watchdog` gives it a process to kill in that case.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    watchdog = subprocess.Popen(
        ["/bin/sh", "-c", WATCHDOG, "sh", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield folder, watchdog
    finally:
        watchdog.communicate(b"over\n" * 2)  # one line more where it was told of a process


def arm_watchdog(watchdog: "subprocess.Popen[bytes]", first: int) -> None:
    """Have the watchdog kill the process group of pid `first` when this process dies."""
    assert watchdog.stdin
    watchdog.stdin.write(f"{first}\n".encode())
    watchdog.stdin.flush()


def kill_session(process: "subprocess.Popen[bytes]") -> None:
    """Kill a session leader and all its descendants, and wait until they are gone."""
    until = time.monotonic() + PATIENCE_S
    with suppress(ProcessLookupError, PermissionError):  # gone; or, on macOS, going
        os.killpg(process.pid, signal.SIGKILL)
    while (there := session_processes(process.pid)) and time.monotonic() < until:
        for number in there:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        time.sleep(0.005)
    process.wait()


def session_processes(first: int) -> list[int]:
    """Pids of the session of `first` and of its descendants; empty where there is no /proc."""
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
    """Anonymous memory (RssAnon) of a session's processes together, in MB of 2^20 bytes."""
    total = 0
    for number in session_processes(first):
        with suppress(OSError):
            text = Path(f"/proc/{number}/status").read_text(encoding="utf-8", errors="replace")
            total += sum(int(line.split()[1]) for line in text.splitlines() if "RssAnon:" in line)
    return total / 1024
