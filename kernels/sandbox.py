"""A sealed place to run a pushed script in, as Kaggle's machine would run it.

A root of its own with `/kaggle/input` read-only and `/kaggle/working` as the current folder, no
network, the declared packages alone, limits on time and memory: by Linux namespaces, which need no
privileges. Where they are not allowed it is a plain process, and what differs is said.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path
from typing import IO, Any

from common.kaggle.session import Ending, Session
from common.progress import say
from kernels import stage
from kernels.interpreter import base_python, interpreter, package_folders

# One word each, so that it works for everybody; root, too, becomes somebody else by it.
UNSHARE = ("unshare", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--ipc", "--uts")
ENDS_WITH_US = ("setpriv", "--pdeathsig", "KILL")
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
SETTINGS = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives",
            "/etc/ssl", "/etc/fonts", "/etc/localtime")  # fmt: skip
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/group": "root:x:0:\n",
    "etc/hosts": "127.0.0.1 localhost\n", "etc/nsswitch.conf": "hosts: files\n",
}  # fmt: skip
PASSED_ON = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "GOMP_SPINCOUNT", "THP_MEM_ALLOC_ENABLE")
GLANCE_S = 0.25


def run_sealed(session: Session) -> Ending:
    """Run the script to its end, or to a limit; its output goes to the session's log as it comes."""
    reason = unsealable()
    with tempfile.TemporaryDirectory(prefix="kit-sealed-") as folder:
        place = Path(folder)
        (place / "env").mkdir()
        python = interpreter(place / "env")
        if reason is None:
            command, environment = _sealed(session, place, python), dict(os.environ)
        else:
            say(
                f"not sealed here ({reason}): the script runs as a plain process, for which the "
                "network and your files are within reach, and folders of its own stand for /kaggle"
            )
            command, environment = _plain(session, place, python)
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=session.working, env=environment, start_new_session=True,
        )  # fmt: skip
        with session.log.open("w", encoding="utf-8") as log:
            return _followed(process, session, log)


@cache
def unsealable() -> str | None:
    """Why namespaces cannot be used on this machine; None where they can."""
    if not sys.platform.startswith("linux"):
        return "namespaces are Linux's"
    for program in (UNSHARE[0], ENDS_WITH_US[0]):
        if shutil.which(program) is None:
            return f"the program {program} is missing"
    command = [*ENDS_WITH_US, *UNSHARE, "--net", "mount", "-t", "tmpfs", "none", "/proc"]
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stderr.strip() or "unshare failed") if done.returncode else None


def _sealed(session: Session, place: Path, python: Path) -> list[str]:
    """The command that makes the namespaces, and in them the root and the script."""
    for name in ("root", "tmp", "tmp/home"):
        (place / name).mkdir()
    system = [Path(each) for each in SYSTEM if Path(each).exists()]
    # The interpreter and its packages may lie anywhere, and keep their places.
    own = {base_python().parents[1], *package_folders()}
    shown = [*(each for each in system if not each.is_symlink()), *own]
    shown += [Path(each) for each in SETTINGS if Path(each).exists()]
    mounts = {
        "opt/env": (place / "env", False), "tmp": (place / "tmp", True),
        "kaggle/src/script.py": (session.script, False),
        "kaggle/working": (session.working, True),
    }  # fmt: skip
    mounts |= {f"kaggle/input/{each}": (path, False) for each, path in session.inputs.items()}
    mounts |= {str(each).lstrip("/"): (each, False) for each in _apart(shown)}
    plan = {
        "root": str(place / "root"),
        "mounts": {name: (str(path.resolve()), may) for name, (path, may) in mounts.items()},
        "links": {each.name: os.readlink(each) for each in system if each.is_symlink()},
        "files": FILES, "cwd": "/kaggle/working",
        "command": [f"/opt/env/{python}", "/kaggle/src/script.py"],
        "environment": _environment(session, home="/tmp/home"),
    }  # fmt: skip
    (place / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    shutil.copyfile(stage.__file__, place / "stage.py")  # the kit itself is seen by nobody inside
    net = [] if session.internet else ["--net"]
    inner = [str(base_python()), "-I", "-S", str(place / "stage.py"), str(place / "plan.json")]
    return [*ENDS_WITH_US, *UNSHARE, *net, *inner]


def _plain(session: Session, place: Path, python: Path) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of a process that is not sealed."""
    for each, path in session.inputs.items():
        link = place / "kaggle" / "input" / each
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path.resolve())
    (place / "kaggle" / "input").mkdir(parents=True, exist_ok=True)
    (place / "home").mkdir()
    environment = _environment(session, home=str(place / "home"))
    environment["KIT_KAGGLE_ROOT"] = str(place / "kaggle")
    return [str(place / "env" / python), str(session.script.resolve())], environment


def _environment(session: Session, *, home: str) -> dict[str, str]:
    """Made from nothing, so that no key of anybody's is in it."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {
        "PATH": "/opt/env/bin:/usr/local/bin:/usr/bin:/bin", "HOME": home, "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1", "KAGGLE_KERNEL_RUN_TYPE": "Batch",
        "KAGGLE_URL_BASE": "https://www.kaggle.com", **kept, **session.variables,
    }  # fmt: skip


def _apart(paths: list[Path]) -> list[Path]:
    """The paths without those that lie in another of them, outer ones first."""
    found: list[Path] = []
    for path in sorted({path.resolve() for path in paths}, key=lambda path: len(path.parts)):
        if not any(each in path.parents for each in found):
            found.append(path)
    return found


def _followed(process: "subprocess.Popen[bytes]", session: Session, log: IO[str]) -> Ending:
    """Log what the process says and hold it to its limits, until it has ended."""
    begun, lock, last = time.monotonic(), threading.Lock(), {"stdout": "", "stderr": ""}

    def read(name: str, stream: IO[bytes]) -> None:
        for line in stream:
            text = line.decode("utf-8", "replace")
            last[name] = text.strip() or last[name]
            entry: dict[str, Any] = {"stream_name": name, "data": text}
            with lock:
                entry["time"] = round(time.monotonic() - begun, 3)
                log.write(json.dumps(entry) + "\n")
                log.flush()

    assert process.stdout and process.stderr
    streams = {"stdout": process.stdout, "stderr": process.stderr}
    readers = [threading.Thread(target=read, args=each, daemon=True) for each in streams.items()]
    for reader in readers:
        reader.start()
    try:
        ending = _held(process, session, begun)
    finally:
        _kill(process)
        for reader in readers:
            reader.join()
        for stream in streams.values():
            stream.close()
    if ending is not None:
        return ending
    if process.returncode:
        said = last["stderr"] or last["stdout"]
        return Ending("ERROR", f"{said} (exit code {process.returncode})")
    return Ending("COMPLETE")


def _held(process: "subprocess.Popen[bytes]", session: Session, begun: float) -> Ending | None:
    """Wait for the end; the ending that a limit made, None when the process ended by itself."""
    while True:
        try:
            process.wait(GLANCE_S)
            return None
        except subprocess.TimeoutExpired:
            pass
        if session.stop.is_set():
            return Ending("CANCEL_ACKNOWLEDGED", "it was stopped")
        if time.monotonic() - begun > session.seconds:
            return Ending("ERROR", f"its time limit of {session.seconds:,.0f} s was reached")
        used = memory_mb(process.pid)
        if used > session.memory_mb:
            return Ending(
                "ERROR", f"it used {used:,.0f} MB of memory, more than the {session.memory_mb:,} MB"
                " of its limit",
            )  # fmt: skip


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End it and all that it has begun: with the first process of a namespace all others end."""
    try:
        os.killpg(process.pid, 9)
    except ProcessLookupError:
        pass
    process.wait()


def memory_mb(first: int) -> float:
    """Anonymous memory of a process and all below it, in MB."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        parents.setdefault(int(fields[1]), []).append(int(path.parent.name))
    total, waiting = 0.0, [first]
    while waiting:
        number = waiting.pop()
        waiting += parents.get(number, [])
        try:
            status = Path(f"/proc/{number}/status").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        total += sum(
            int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("RssAnon")
        )
    return total
