"""The first steps inside new namespaces: a root of its own, then the script. Run as a program.

`python -I -S stage.py PLAN` is started by `unshare`; the plan is JSON: `root` (an empty folder),
`mounts` (place below the root to [path, writable]), `files` (place to text), `links` (place to
target), `command`, `cwd`, `environment`.
It uses the standard library alone: nothing of the kit is visible from here on.
"""

import ctypes
import fcntl
import json
import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# From linux/mount.h, sched.h and prctl.h.
RDONLY, NOSUID, NODEV, NOEXEC, REMOUNT, BIND, REC, PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
NOATIME, NODIRATIME, RELATIME = 1024, 2048, 1 << 21
DETACH = 2
CAPBSET_DROP, NO_NEW_PRIVS = 24, 38
LAST_CAPABILITY = 63
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
UP, GET_FLAGS, SET_FLAGS = 1, 0x8913, 0x8914
DEVICES = ("null", "zero", "full", "random", "urandom")

libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Build the root, move into it, give up every privilege, and become the command."""
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    root = Path(plan["root"])
    mount("none", "/", None, REC | PRIVATE)
    mount("kit", root, "tmpfs", NOSUID | NODEV, "mode=755")
    furnish(root, plan)
    loopback_up()
    enter(root)
    give_up_privileges()
    os.chdir(plan["cwd"])
    os.execve(plan["command"][0], plan["command"], plan["environment"])


def furnish(root: Path, plan: dict[str, Any]) -> None:
    """Everything that is to be seen from inside, and then no more writing but where it is allowed."""
    for place, target in plan["links"].items():
        (root / place).symlink_to(target)
    # Outer places first: what is shown below /tmp must not be hidden by it.
    for place, (path, writable) in sorted(plan["mounts"].items(), key=lambda item: len(item[0])):
        bind(Path(path), root / place, writable=writable)
    for place, text in plan["files"].items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(text, encoding="utf-8")
    for name in DEVICES:
        bind(Path("/dev") / name, root / "dev" / name, writable=True)
    for name in ("proc", "dev/shm", "old"):
        (root / name).mkdir(parents=True, exist_ok=True)
    mount("proc", root / "proc", "proc", NOSUID | NODEV | NOEXEC)
    mount("kit", root / "dev/shm", "tmpfs", NOSUID | NODEV, "mode=1777")
    mount(None, root, None, REMOUNT | RDONLY | NOSUID | NODEV, "mode=755")


def bind(path: Path, target: Path, *, writable: bool) -> None:
    """Show a file or folder, and all that is mounted below it, at another place."""
    if path.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    mount(path, target, None, BIND | REC)
    if not writable:
        for each in mounted_below(target):
            mount(None, each, None, BIND | REMOUNT | RDONLY | flags_of(each))


def mounted_below(target: Path) -> Iterator[Path]:
    """The mounts at a place and below it."""
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        place = Path(line.split()[4].encode().decode("unicode_escape"))
        if place == target or target in place.parents:
            yield place


def flags_of(place: Path) -> int:
    """The flags that a mount has and that nobody without privileges may take away."""
    there = os.statvfs(place).f_flag
    kept = {
        os.ST_NOSUID: NOSUID, os.ST_NODEV: NODEV, os.ST_NOEXEC: NOEXEC, os.ST_NOATIME: NOATIME,
        os.ST_NODIRATIME: NODIRATIME, os.ST_RELATIME: RELATIME,
    }  # fmt: skip
    return sum(flag for bit, flag in kept.items() if there & bit)


def enter(root: Path) -> None:
    """Make the new root the only one: nothing leads back to the old."""
    os.chdir(root)
    number = PIVOT_ROOT[os.uname().machine]
    checked(libc.syscall(number, b".", b"old"), "pivot_root")
    os.chdir("/")
    checked(libc.umount2(b"/old", DETACH), "umount")


def give_up_privileges() -> None:
    """No capability, whatever is executed from here on."""
    checked(libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    for capability in range(LAST_CAPABILITY + 1):
        libc.prctl(CAPBSET_DROP, capability, 0, 0, 0)  # a number that the kernel has not: no matter


def loopback_up() -> None:
    """Processes of one program talk over 127.0.0.1; in a new namespace it is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
        asked = struct.pack("16sh22x", b"lo", 0)
        (flags,) = struct.unpack_from("h", fcntl.ioctl(there, GET_FLAGS, asked), 16)
        fcntl.ioctl(there, SET_FLAGS, struct.pack("16sh22x", b"lo", flags | UP))


def mount(
    source: Path | str | None, target: Path | str, kind: str | None, flags: int, data: str = ""
) -> None:
    """mount(2)."""
    words = [str(word).encode() if word else None for word in (source, target, kind)]
    checked(libc.mount(*words, ctypes.c_ulong(flags), data.encode()), f"mounting {target}")


def checked(result: int, what: str) -> None:
    """Raise an OSError for a call that failed."""
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    main()
