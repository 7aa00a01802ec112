"""PID 1 of the sandbox, a program: mount a private root, drop privileges, run the script, reap orphans.

`python -I -S init.py` reads a plan from stdin, as JSON: `root` (an empty folder; null leaves
everything as it is), `mounts` ([place below the root, path, "read", "write" or "device"], outer places
first), `links` (place to target), `files` (place to text), `command` (null: only try) and `folder`, to be
its current one. It uses the standard library alone: nothing of the kit is visible from here on.
"""

import ctypes
import fcntl
import json
import os
import socket
import struct
import sys
from pathlib import Path
from typing import Any

# From linux/mount.h, fcntl.h, net/if.h and prctl.h.
RDONLY, NOSUID, NODEV, NOEXEC, REMOUNT, BIND, REC, PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
HERE, RECURSIVE, DETACH = -100, 0x8000, 2
MOUNT_SETATTR = 442  # a system call since Linux 5.12, by this number everywhere
CAPBSET_DROP, NO_NEW_PRIVS, LAST_CAPABILITY = 24, 38, 63
UP, GET_FLAGS, SET_FLAGS = 1, 0x8913, 0x8914
# What a mount gets beside the flags that it has. Nothing shown has devices but the devices.
ATTRIBUTES = {"read": RDONLY | NOSUID | NODEV, "write": NOSUID | NODEV, "device": NOSUID}

libc = ctypes.CDLL(None, use_errno=True)


def main() -> int:
    """Build the root, move into it, give up every privilege, and run the command; its exit code."""
    plan = json.load(sys.stdin)  # it comes when somebody is there who would end this process
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if plan["root"]:
        root = Path(plan["root"])
        mount(None, "/", None, REC | PRIVATE)
        mount("kit", root, "tmpfs", NOSUID | NODEV, "mode=755")
        mount_all(root, plan)
        loopback_up()
        socket.sethostname("kaggle")
        pivot_root(root)
        give_up_privileges()
    return run(plan["command"], plan["folder"]) if plan["command"] else 0


def run(command: list[str], folder: str) -> int:
    """Run a command to its end and reap orphans, as PID 1 must; return the exit code."""
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        os.execv(command[0], command)
    while True:
        ended, status = os.wait()
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code  # as shells tell of a signal


def mount_all(root: Path, plan: dict[str, Any]) -> None:
    """Mount all that the plan lists below the new root, then make the rest read-only."""
    for place, path, kind in plan["mounts"]:
        show(Path(path), root / place, kind)
    for place, target in plan["links"].items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).symlink_to(target)
    for place, text in plan["files"].items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(text, encoding="utf-8")
    for name in ("proc", "dev/shm", "kaggle/input"):
        (root / name).mkdir(parents=True, exist_ok=True)
    # Read-only, for what is set below /proc/sys holds for the whole machine, and root may set it.
    mount("proc", root / "proc", "proc", RDONLY | NOSUID | NODEV | NOEXEC)
    mount("kit", root / "dev/shm", "tmpfs", NOSUID | NODEV, "mode=1777")
    mount(None, root, None, REMOUNT | BIND | RDONLY | NOSUID | NODEV)


def show(path: Path, target: Path, kind: str) -> None:
    """Bind-mount a file or folder, with all mounts below it, at `target`."""
    if path.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    mount(path, target, None, BIND | REC)
    attributes = struct.pack("4Q", ATTRIBUTES[kind], 0, 0, 0)
    checked(
        libc.syscall(
            MOUNT_SETATTR,
            HERE,
            os.fsencode(target),
            RECURSIVE,
            attributes,
            ctypes.c_size_t(len(attributes)),
        ),
        f"protecting {path}",
    )


def pivot_root(root: Path) -> None:
    """pivot_root into the new root and detach the old one."""
    os.chdir(root)
    checked(libc.pivot_root(b".", b"."), "pivot_root")  # the old one now lies on top of the new
    checked(libc.umount2(b".", DETACH), "taking the old root away")
    os.chdir("/")


def give_up_privileges() -> None:
    """No capability for anything that is executed from here on."""
    checked(libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    for capability in range(LAST_CAPABILITY + 1):
        libc.prctl(CAPBSET_DROP, capability, 0, 0, 0)  # fails for numbers that this Linux lacks


def loopback_up() -> None:
    """Bring up 127.0.0.1, which is down in a new network namespace (multiprocessing needs it)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
        asked = struct.pack("16sh22x", b"lo", 0)
        (flags,) = struct.unpack_from("h", fcntl.ioctl(there, GET_FLAGS, asked), 16)
        if not flags & UP:
            fcntl.ioctl(there, SET_FLAGS, struct.pack("16sh22x", b"lo", flags | UP))


def mount(
    source: Path | str | None, target: Path | str, kind: str | None, flags: int, data: str = ""
) -> None:
    """mount(2)."""
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    checked(libc.mount(*words, ctypes.c_ulong(flags), data.encode()), f"mounting {target}")


def checked(result: int, what: str) -> None:
    """Raise an OSError for a call that failed."""
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    sys.exit(main())
