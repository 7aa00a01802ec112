"""The root filesystem and environment of a sandboxed kernel, or links to the same for a plain process."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import KitError
from common.kaggle.protocol import notebook_code
from common.kaggle.session import Session
from kernels.sandbox.virtualenv import PATH, SITE_PACKAGES, base_python, packages, settings

PYTHON = "/opt/sealed"  # the interpreter's environment
SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "nix/store", "sys/devices/system")
SETTINGS = (
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "alternatives",
    "ssl",
    "pki",
    "fonts",
)
NAMES = ("resolv.conf",)  # how names are looked up, where there is a network
FILES: Mapping[str, str] = {
    "etc/passwd": "root:x:0:0:root:/tmp/home:/bin/sh\n",
    "etc/group": "root:x:0:\n",
    "etc/hosts": "127.0.0.1 localhost kaggle\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}
DEVICES = ("null", "zero", "full", "random", "urandom")
LINKS = {
    "dev/fd": "/proc/self/fd",
    "dev/stdin": "fd/0",
    "dev/stdout": "fd/1",
    "dev/stderr": "fd/2",
}
PASSED_ON = (  # with other threads, sums come out otherwise
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "GOMP_SPINCOUNT",
    "THP_MEM_ALLOC_ENABLE",
)


@dataclass(frozen=True)
class Machine:
    """How to start a script: the JSON plan for `init.py`, and the environment variables."""

    plan: dict[str, Any]
    environment: dict[str, str]


def bare(root: Path) -> dict[str, Any]:
    """The plan of a root with the system's own files alone, and no command."""
    there = [Path("/") / name for name in SYSTEM if (Path("/") / name).exists()]
    devices = [*(Path("/dev") / name for name in DEVICES), *Path("/dev").glob("nvidia*")]
    shown = [*(each for each in there if not each.is_symlink()), base_python().parents[1]]
    etc = [Path("/etc") / name for name in SETTINGS if (Path("/etc") / name).exists()]
    return {
        "root": str(root),
        "command": None,
        "folder": "/",
        "mounts": [
            *((str(each)[1:], str(each.resolve()), "read") for each in (*_apart(shown), *etc)),
            *((str(each)[1:], str(each), "device") for each in devices if each.is_char_device()),
        ],
        "links": {each.name: str(each.readlink()) for each in there if each.is_symlink()} | LINKS,
        "files": dict(FILES),
    }


def sealed(session: Session, folder: Path) -> Machine:
    """Kaggle's machine; `folder` (empty) holds what the script writes to its /tmp, on our disk.

    Raises:
        KitError: an input is missing, or would lie outside /kaggle/input.
    """
    for name in ("root", "tmp", "tmp/home"):
        (folder / name).mkdir()
    plan = bare(folder / "root")
    own = {f"{PYTHON[1:]}/{SITE_PACKAGES}/{name}": path for name, path in packages().items()}
    own |= {f"kaggle/input/{place}": path for place, path in _inputs(session)}
    own |= {"kaggle/src/script.py": _script(session, folder)}
    plan["mounts"] += [(place, str(path), "read") for place, path in own.items()]
    plan["mounts"].append(("kaggle/working", str(session.working.resolve()), "write"))
    plan["mounts"].append(("tmp", str(folder / "tmp"), "write"))
    if session.internet:
        there = [Path("/etc") / name for name in NAMES if (Path("/etc") / name).exists()]
        plan["mounts"] += [(f"etc/{each.name}", str(each.resolve()), "read") for each in there]
    plan["mounts"].sort(key=lambda mount: mount[0].split("/"))  # outer ones first
    plan["links"][f"{PYTHON[1:]}/bin/python"] = str(base_python())
    plan["files"][f"{PYTHON[1:]}/pyvenv.cfg"] = settings()
    plan["command"] = [f"{PYTHON}/bin/python", "/kaggle/src/script.py"]
    plan["folder"] = "/kaggle/working"
    return Machine(plan, _environment(session, f"{PYTHON}/bin", HOME="/tmp/home"))


def plain(session: Session, folder: Path) -> Machine:
    """A process like any other of ours, with links in `folder` in place of /kaggle.

    Raises:
        KitError: an input is missing, or would lie outside the folder of inputs.
    """
    own = {f"python/{SITE_PACKAGES}/{name}": path for name, path in packages().items()}
    own |= {f"kaggle/input/{place}": path for place, path in _inputs(session)}
    own |= {"python/bin/python": base_python(), "kaggle/working": session.working.resolve()}
    own |= {"kaggle/src/script.py": _script(session, folder)}
    for name in ("home", "tmp", "kaggle/input"):
        (folder / name).mkdir(parents=True)
    for place, path in own.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).symlink_to(path)
    (folder / "python" / "pyvenv.cfg").write_text(settings(), encoding="utf-8")
    plan = {
        "root": None,
        "folder": str(session.working.resolve()),
        "command": [str(folder / "python/bin/python"), str(folder / "kaggle/src/script.py")],
    }
    return Machine(
        plan,
        _environment(
            session,
            str(folder / "python" / "bin"),
            HOME=str(folder / "home"),
            TMPDIR=str(folder / "tmp"),
            KIT_KAGGLE_ROOT=str(folder / "kaggle"),
        ),
    )


def _script(session: Session, folder: Path) -> Path:
    """The script; of a notebook its code, written into `folder`.

    Raises:
        KitError: the notebook cannot be read.
    """
    if session.script.suffix != ".ipynb":
        return session.script.resolve()
    code = notebook_code(session.script.read_text(encoding="utf-8"))
    if code is None:
        raise KitError(f"{session.script} is no notebook, or names no kernelspec")
    path = folder / "cells.py"
    path.write_text(code, encoding="utf-8")
    return path


def _inputs(session: Session) -> Iterator[tuple[str, Path]]:
    for place, path in session.inputs.items():
        if Path(place).is_absolute() or not Path(place).parts or ".." in Path(place).parts:
            raise KitError(f"{place!r} is no place below /kaggle/input")
        if not path.exists():
            raise KitError(f"{path}, to be /kaggle/input/{place}, is not there")
        yield place, path.resolve()


def _environment(session: Session, programs: str, **places: str) -> dict[str, str]:
    """Made from nothing, so that no key of anybody's is in it."""
    return {
        "PATH": f"{programs}:{PATH}",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "KAGGLE_KERNEL_RUN_TYPE": "Batch",
        "KAGGLE_URL_BASE": "https://www.kaggle.com",
        **places,
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        **session.variables,
    }


def _apart(paths: list[Path]) -> list[Path]:
    """The paths that lie in none of the others, each once."""
    return [
        path for path in dict.fromkeys(paths) if not any(each in path.parents for each in paths)
    ]
