"""What a sealed script sees and can do; it is asked once, and each test reads its answers."""

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from toy_sessions import told, toy_session

from common.kaggle.session import Ending
from kernels.sandbox.rootfs import PASSED_ON
from kernels.sandbox.sealed_run import run_sealed, why_unsealed
from kernels.sandbox.virtualenv import VERSION

ROOT = Path(__file__).parents[3]
NOBODY = "65534"
QUESTIONS = """
import importlib.util, json, os, socket, sys
from pathlib import Path

def error(act, *words):
    try:
        act(*words)
    except OSError as problem:
        return type(problem).__name__ + " " + (problem.strerror or "")

def own_loopback():
    with socket.create_server(("127.0.0.1", 0)) as here:
        socket.create_connection(here.getsockname(), 5).close()

facts = json.loads(os.environ["QUESTION"])
unix = socket.socket(socket.AF_UNIX)
print(json.dumps({
    "cwd": os.getcwd(), "file": __file__, "environment": dict(os.environ),
    "read": [Path("/kaggle/input", place, "sample_submission.csv").read_text()
             for place in ("competitions/roses", "datasets/ann/roses", "roses")],
    "not written": {place: error(open, place, "a") for place in facts["not written"]},
    "written": {place: error(open, place, "a") for place in facts["written"]},
    "seen": [path for path in facts["unseen"] if os.path.exists(path)],
    "connected": error(socket.create_connection, tuple(facts["server"]), 2),
    "connected abstract": error(unix.connect, chr(0) + facts["abstract"]),
    "connected outside": error(socket.create_connection, ("192.0.2.1", 80), 2),
    "connected inside": error(own_loopback),
    "capabilities": [line.split()[1] for line in open("/proc/self/status") if "Cap" in line],
    "processes": [name for name in os.listdir("/proc") if name.isdigit()],
    "importable": [name for name in facts["packages"] if importlib.util.find_spec(name)],
    "own prefix": sys.prefix, "root": sorted(os.listdir("/")),
}))
"""
NOT_WRITTEN = (
    "/kaggle/input/x",
    "/kaggle/input/competitions/roses/x",
    "/kaggle/input/roses/x",
    "/x",
    "/kaggle/x",
    "/kaggle/src/script.py",
    "/etc/x",
    "/usr/x",
    "/proc/sys/kernel/core_pattern",
    "/opt/sealed/pyvenv.cfg",
    "/sys/devices/system/cpu/x",
)
WRITTEN = ("/kaggle/working/x", "/tmp/x", "/tmp/home/x", "/dev/shm/x", "/dev/null")
PACKAGES = ("torch", "cv2", "kaggle", "six", "requests", "pytest", "ruff", "mypy", "common", "kit")


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    if reason := why_unsealed():
        pytest.skip(f"no namespaces here: {reason}")
    folder = tmp_path_factory.mktemp("sealed")
    places = ("competitions/roses", "datasets/ann/roses", "roses")
    unix = socket.socket(socket.AF_UNIX)
    name = f"kit-{os.getpid()}"
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        unix,
        pytest.MonkeyPatch.context() as env,
    ):
        unix.bind(f"\0{name}")
        unix.listen()
        env.setenv("KAGGLE_KEY", "0123456789abcdef")
        home = Path.home() if Path.home() != Path("/") else Path("/root")
        question = {
            "not written": NOT_WRITTEN,
            "written": WRITTEN,
            "packages": PACKAGES,
            "unseen": [str(ROOT), str(folder), str(home / ".ssh"), os.environ["HOME"], "/var"],
            "server": server.getsockname(),
            "abstract": name,
        }
        session = toy_session(
            folder,
            QUESTIONS,
            inputs=dict.fromkeys(places, folder / "data"),
            variables={"QUESTION": json.dumps(question)},
        )
        assert run_sealed(session) == Ending("COMPLETE"), session.log.read_text()
        yield json.loads(told(session))


def test_a_script_begins_where_kaggle_begins_it(answers: dict[str, Any]) -> None:
    assert (answers["cwd"], answers["file"]) == ("/kaggle/working", "/kaggle/src/script.py")
    assert answers["environment"]["KAGGLE_KERNEL_RUN_TYPE"] == "Batch"


def test_inputs_are_found_in_either_layout(answers: dict[str, Any]) -> None:
    assert answers["read"] == ["id,label\n1,a\n"] * 3


def test_only_the_working_folder_and_passing_ones_can_be_written(answers: dict[str, Any]) -> None:
    refused = {"OSError Read-only file system", "PermissionError Permission denied"}
    assert {*answers["not written"].values()} <= refused
    assert {*answers["written"].values()} == {None}


def test_nothing_of_this_machine_is_seen(answers: dict[str, Any]) -> None:
    assert answers["seen"] == []
    assert not {"home", "var", "work", "mnt", "run", "boot"} & {*answers["root"]}
    assert len(answers["processes"]) == 2


def test_no_variable_of_ours_is_inherited(answers: dict[str, Any]) -> None:
    environment = answers["environment"]
    assert "0123456789abcdef" not in str(environment)
    assert {*environment} - {*PASSED_ON, "LC_CTYPE"} == {
        "PATH",
        "HOME",
        "LANG",
        "PYTHONUNBUFFERED",
        "KAGGLE_KERNEL_RUN_TYPE",
        "KAGGLE_URL_BASE",
        "QUESTION",
    }


def test_nothing_is_reached_but_the_scripts_own_loopback(answers: dict[str, Any]) -> None:
    assert answers["connected"] == "ConnectionRefusedError Connection refused"
    assert answers["connected abstract"] == "ConnectionRefusedError Connection refused"
    assert answers["connected outside"] == "OSError Network is unreachable"
    assert answers["connected inside"] is None


def test_root_inside_has_no_privilege_at_all(answers: dict[str, Any]) -> None:
    assert [int(each, 16) for each in answers["capabilities"]] == [0] * 5


def test_only_the_declared_packages_are_importable(answers: dict[str, Any]) -> None:
    assert answers["importable"] == ["torch", "cv2", "kaggle", "six", "requests"]


def test_with_the_internet_on_our_own_loopback_is_reached(
    answers: dict[str, Any], tmp_path: Path
) -> None:
    assert answers["connected"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = server.getsockname()
        text = f"import socket; socket.create_connection({place}, 5)"
        assert run_sealed(toy_session(tmp_path, text, internet=True)) == Ending("COMPLETE")


def test_it_needs_no_privileges() -> None:
    """By a user who may read copies of the interpreter and the kit, and has nothing else."""
    if os.geteuid() or why_unsealed() or shutil.which("setpriv") is None:
        pytest.skip("all tests run without privileges, or there are no namespaces here")
    code = """
import os
from pathlib import Path
from toy_sessions import told, toy_session
from kernels.sandbox.sealed_run import run_sealed, why_unsealed
print(os.geteuid(), why_unsealed())
session = toy_session(Path("own"), "import six; print(open('own', 'w'))")
print(run_sealed(session), told(session))
"""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        shown = {"python": sys.base_prefix, "kit": ROOT, "packages": sysconfig.get_path("purelib")}
        for place in (*shown, "own"):
            (folder / place).mkdir()
        (folder / "own").chmod(0o777)
        binds = [f"mount --bind {path} {folder / place}" for place, path in shown.items()]
        become = f'exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups "$@"'
        paths = (folder / "kit", folder / "kit/tests/toys", folder / "packages")
        done = subprocess.run(
            [
                "unshare",
                "--mount",
                "sh",
                "-ec",
                "\n".join([*binds, become]),
                "sh",
                str(folder / "python/bin" / VERSION),
                "-B",
                "-c",
                code,
            ],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, paths))},
            cwd=folder,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[0] == f"{NOBODY} None"
    assert "status='COMPLETE'" in done.stdout
