"""Run a kernel script in a sandbox like Kaggle's machine: no network, declared packages, limits.

A root of its own with `/kaggle/input` read-only and `/kaggle/working` as the current folder, no
network, the declared packages alone, limits on time and memory: by Linux namespaces, which need no
privileges. Where they are not allowed it is a plain process, and what differs is said.
"""

import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from common.kaggle.session import Ending, Session
from common.progress import say
from kernels.sandbox import rootfs
from kernels.sandbox.virtualenv import PATH, base_python
from kernels.sandbox.watchdog import anonymous_mb, arm_watchdog, folder_with_watchdog, kill_session

# In a user namespace of its own everybody is root, and root is nobody special.
UNSHARE = ("--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--ipc", "--uts")
NO_NETWORK = "--net"
INIT = Path(__file__).resolve().with_name("init.py")
UBUNTU = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
GLANCE_S = 0.1  # between two looks at the clock
WEIGH_S = 0.5  # between two looks at the memory
LONGEST = 1 << 16  # bytes of a line; longer ones are logged in parts


def run_sealed(session: Session) -> Ending:
    """Run the script to its end, or to a limit; its output goes to the session's log as it comes.

    Nothing outlives the call, or this process: no process, mount or temporary folder.

    Raises:
        KitError: an input is missing, or the kit's packages are not to be found.
    """
    reason = why_unsealed()
    if reason is not None:
        say(_difference(reason, session))
    for folder in (session.working, session.log.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with folder_with_watchdog("kit-sealed-") as (folder, watchdog):
        make = rootfs.sealed if reason is None else rootfs.plain
        scene = make(session, folder)
        command = (
            _init_command() if reason else [*_unshare(internet=session.internet), *_init_command()]
        )
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=scene.environment,
            start_new_session=True,
        )
        with process:
            try:
                arm_watchdog(watchdog, process.pid)
                assert process.stdin
                with suppress(BrokenPipeError):  # it has ended already, and says why
                    process.stdin.write(json.dumps(scene.plan).encode())
                    process.stdin.close()
                return _log_and_limit(process, session)
            finally:
                kill_session(process)


def why_unsealed() -> str | None:
    """Why namespaces cannot be used on this machine; None where they can: it tries."""
    if sys.platform != "linux":
        return "namespaces are Linux's"
    if shutil.which("unshare", path=PATH) is None:
        return "the program unshare, of util-linux, is missing"
    with tempfile.TemporaryDirectory(prefix="kit-sealed-") as root:
        done = subprocess.run(
            [*_unshare(internet=False), *_init_command()],
            input=json.dumps(rootfs.bare(Path(root))),
            env={"PATH": PATH},
            capture_output=True,
            text=True,
        )
    if not done.returncode:
        return None
    said = (done.stderr.strip().splitlines() or ["unshare failed"])[-1]
    if os.geteuid() and UBUNTU.is_file() and UBUNTU.read_text(encoding="utf-8").strip() == "1":
        said += f"; to allow it: sudo sysctl kernel.{UBUNTU.name}=0"
    return said


def _init_command() -> list[str]:
    return [str(base_python()), "-I", "-S", str(INIT)]


def _unshare(*, internet: bool) -> list[str]:
    program = shutil.which("unshare", path=PATH)
    assert program
    return [program, *UNSHARE, *(() if internet else (NO_NETWORK,))]


def _difference(reason: str, session: Session) -> str:
    reach = "your files are" if session.internet else "the network and your files are"
    memory = "" if Path("/proc/self/status").is_file() else ", and its memory has no limit"
    return (
        f"not sealed here ({reason}): {reach} within the script's reach, its inputs can be written, "
        f"and it finds its folders below $KIT_KAGGLE_ROOT in place of /kaggle{memory}"
    )


def _log_and_limit(process: "subprocess.Popen[bytes]", session: Session) -> Ending:
    """Write the process's output to the log and enforce stop, time and memory limits until it ends."""
    begun, weighed = time.monotonic(), 0.0
    ending, last = None, {"stdout": "", "stderr": ""}
    with session.log.open("w", encoding="utf-8") as log:
        for said in _output_lines(process):
            now = time.monotonic() - begun
            for name, data in said:
                entry = {"stream_name": name, "time": round(now, 3), "data": data}
                log.write(json.dumps(entry, ensure_ascii=False) + "\n")
                last[name] = data.strip() or last[name]
            log.flush()
            if ending is not None or process.poll() is not None:
                continue
            if session.stop.is_set():
                ending = Ending("CANCEL_ACKNOWLEDGED", f"stopped after {now:.0f} s")
            elif now > session.seconds:
                ending = Ending(
                    "ERROR", f"stopped after {session.seconds:g} s: the time limit", "time"
                )
            elif now - weighed > WEIGH_S:
                weighed = now
                ending = _over_memory(anonymous_mb(process.pid), session.memory_mb)
            if ending is not None:
                kill_session(process)
    code = process.wait()
    if ending is not None or not code:
        return ending or Ending("COMPLETE")
    return Ending("ERROR", last["stderr"] or f"exit code {code}, and not a word of why")


def _over_memory(used_mb: float, limit_mb: int) -> Ending | None:
    if used_mb <= limit_mb:
        return None
    told = f"stopped at {used_mb:,.0f} MB of memory: the limit is {limit_mb:,} MB"
    return Ending("ERROR", told, "memory")


def _output_lines(process: "subprocess.Popen[bytes]") -> Iterator[list[tuple[str, str]]]:
    """Yield lists of (stream, line) as a process prints them; empty lists while it is silent.

    It is over when both streams are closed; or a while after its end, whoever still holds them.
    """
    assert process.stdout and process.stderr
    streams = {"stdout": process.stdout, "stderr": process.stderr}
    rests = dict.fromkeys(streams, b"")
    with selectors.DefaultSelector() as ready:
        for name, stream in streams.items():
            ready.register(stream, selectors.EVENT_READ, name)
        while ready.get_map():
            found = ready.select(GLANCE_S)
            said = []
            for key, _ in found:
                name = key.data
                chunk = os.read(key.fd, LONGEST)
                if not chunk:
                    ready.unregister(key.fileobj)
                *lines, rests[name] = (rests[name] + chunk).splitlines(keepends=True) or [b""]
                if rests[name].endswith((b"\n", b"\r")) or len(rests[name]) >= LONGEST or not chunk:
                    lines, rests[name] = [*lines, rests[name]], b""
                said += [(name, line.decode("utf-8", "replace")) for line in lines if line]
            yield said
            if not found and process.poll() is not None:
                return
