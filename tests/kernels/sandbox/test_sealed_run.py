"""How a session begins, is watched and ends, sealed or as a plain process."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from toy_sessions import logged, told, toy_session

from common.kaggle.session import Ending
from kernels.sandbox import sealed_run
from kernels.sandbox.sealed_run import run_sealed, why_unsealed

ROOT = Path(__file__).parents[3]
BEATING = """
import subprocess, sys
beat = "import time\\nwhile True: open('beat', 'a').write('.'); time.sleep(0.02)"
child = subprocess.Popen([sys.executable, "-c", beat], start_new_session={apart})
while not __import__("os").path.exists("beat"): pass
print("begun")
"""
WAITING = "__import__('time').sleep(60)"


@pytest.fixture(params=["sealed", "plain"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test once in namespaces, and once as where the program for them is missing."""
    if request.param == "plain":
        monkeypatch.setattr(sealed_run, "PATH", "/nowhere")
    elif reason := why_unsealed():
        pytest.skip(f"no namespaces here: {reason}")
    return str(request.param)


def is_still(path: Path) -> bool:
    """Does nobody write to this file any more? Waits for it, five seconds at most."""
    for _ in range(20):
        size = path.stat().st_size
        time.sleep(0.25)
        if path.stat().st_size == size:
            return True
    return False


@pytest.mark.usefixtures("way")
def test_what_a_script_leaves_in_its_current_folder_is_the_output(tmp_path: Path) -> None:
    session = toy_session(tmp_path, "open('submission.csv', 'w').write('id')")
    assert run_sealed(session) == Ending("COMPLETE")
    assert [path.name for path in session.working.iterdir()] == ["submission.csv"]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("last", "failure"),
    [
        ("raise ValueError('no roses')", "ValueError: no roses"),
        ("raise SystemExit(3)", "exit code 3, and not a word of why"),
        ("import os; os.kill(os.getpid(), 9)", "exit code 137, and not a word of why"),
    ],
)
def test_a_script_that_fails_is_an_error_with_its_last_word(
    last: str, failure: str, tmp_path: Path
) -> None:
    assert run_sealed(toy_session(tmp_path, last)) == Ending("ERROR", failure)


@pytest.mark.usefixtures("way")
def test_the_log_holds_both_streams_in_order_and_while_the_script_runs(tmp_path: Path) -> None:
    session = toy_session(
        tmp_path,
        """
        import os, sys, time
        print("one", end="\\r")
        time.sleep(0.3)
        print("zwei Äpfel", file=sys.stderr)
        while not os.path.exists("go"): time.sleep(0.01)
        os.write(1, b"three\\nfour")
        """,
        seconds=20.0,
    )

    def answer() -> None:
        while len(logged(session)) < 2:
            time.sleep(0.01)
        (session.working / "go").touch()

    threading.Thread(target=answer, daemon=True).start()
    assert run_sealed(session) == Ending("COMPLETE")
    found = logged(session)
    assert [(line["stream_name"], line["data"]) for line in found] == [
        ("stdout", "one\r"),
        ("stderr", "zwei Äpfel\n"),
        ("stdout", "three\n"),
        ("stdout", "four"),
    ]
    times = [line["time"] for line in found]
    assert times == sorted(times) and times[1] - times[0] > 0.2


@pytest.mark.usefixtures("way")
def test_at_the_time_limit_everything_ends(tmp_path: Path) -> None:
    session = toy_session(tmp_path, BEATING.format(apart=False) + WAITING, seconds=1.5)
    ending = run_sealed(session)
    assert ending == Ending("ERROR", "stopped after 1.5 s: the time limit", "time")
    assert told(session) == "begun\n" and is_still(session.working / "beat")


@pytest.mark.usefixtures("way")
def test_memory_is_that_of_all_processes_together(tmp_path: Path) -> None:
    text = """
    import subprocess, sys
    hold = [sys.executable, "-c", "x = b'x' * (60 << 20); __import__('time').sleep(60)"]
    for child in [subprocess.Popen(hold), subprocess.Popen(hold)]: child.wait()
    """
    ending = run_sealed(toy_session(tmp_path, text, memory_mb=110))
    assert ending.status == "ERROR"
    assert ending.failure.endswith(" MB of memory: the limit is 110 MB")
    assert 110 < int(ending.failure.split()[2]) < 200


@pytest.mark.usefixtures("way")
def test_a_session_is_stopped_by_another_thread(tmp_path: Path) -> None:
    session = toy_session(tmp_path, WAITING)
    threading.Timer(0.5, session.stop.set).start()
    assert run_sealed(session).status == "CANCEL_ACKNOWLEDGED"


@pytest.mark.usefixtures("way")
def test_what_a_script_leaves_running_ends_with_it(tmp_path: Path) -> None:
    session = toy_session(tmp_path, BEATING.format(apart=False))
    assert run_sealed(session) == Ending("COMPLETE")
    assert is_still(session.working / "beat")


def test_in_namespaces_nothing_outlives_its_script_by_a_session_of_its_own(tmp_path: Path) -> None:
    if reason := why_unsealed():
        pytest.skip(f"no namespaces here: {reason}")
    session = toy_session(tmp_path, BEATING.format(apart=True))
    assert run_sealed(session) == Ending("COMPLETE")
    assert is_still(session.working / "beat")


def test_nothing_is_left_when_whoever_began_it_is_killed(way: str, tmp_path: Path) -> None:
    (tmp_path / "passing").mkdir()
    code = f"""
from pathlib import Path
from toy_sessions import toy_session
from kernels.sandbox import sealed_run
if {way!r} == "plain": sealed_run.PATH = "/nowhere"
sealed_run.run_sealed(toy_session(Path({str(tmp_path)!r}), {BEATING.format(apart=False) + WAITING!r}))
"""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "toys"), *filter(None, sys.path)])
    variables = {**os.environ, "TMPDIR": str(tmp_path / "passing"), "PYTHONPATH": paths}
    process = subprocess.Popen([sys.executable, "-c", code], env=variables)
    beat = tmp_path / "working" / "beat"
    while not beat.exists():
        assert process.poll() is None
        time.sleep(0.02)
    assert any((tmp_path / "passing").iterdir())
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert is_still(beat)
    for _ in range(50):
        if not any((tmp_path / "passing").iterdir()):
            break
        time.sleep(0.1)
    assert not any((tmp_path / "passing").iterdir())


@pytest.mark.usefixtures("way")
def test_no_temporary_folder_stays_even_one_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "passing").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "passing"))
    text = "import tempfile, os; f = tempfile.mkdtemp(); open(f + '/a', 'w'); os.chmod(f, 0o500)"
    assert run_sealed(toy_session(tmp_path, text)) == Ending("COMPLETE")
    assert not any((tmp_path / "passing").iterdir())


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"../src": "data"}, "'../src' is no place below /kaggle/input"),
        ({"roses": "gone"}, "gone, to be /kaggle/input/roses, is not there"),
    ],
)
def test_impossible_inputs_are_refused(
    inputs: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    places: dict[str, Any] = {place: tmp_path / name for place, name in inputs.items()}
    with pytest.raises(ValueError, match=sentence):
        run_sealed(toy_session(tmp_path, "", inputs=places))


def test_a_plain_process_says_what_differs_and_finds_the_same_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sealed_run, "PATH", "/nowhere")
    monkeypatch.setenv("KAGGLE_KEY", "0123456789abcdef")
    text = """
    import importlib.util, os
    from pathlib import Path
    root = Path(os.environ["KIT_KAGGLE_ROOT"])
    print((root / "input/competitions/roses/sample_submission.csv").read_text().split()[0])
    print((root / "working").samefile("."))
    print([name for name in ("torch", "pytest", "common") if importlib.util.find_spec(name)])
    print("0123456789abcdef" in str(os.environ), os.environ["HOME"].startswith(str(root.parent)))
    """
    session = toy_session(tmp_path, text)
    assert run_sealed(session) == Ending("COMPLETE")
    assert told(session).split("\n")[:4] == ["id,label", "True", "['torch']", "False True"]
    said = capsys.readouterr().err
    assert "not sealed here (the program unshare, of util-linux, is missing)" in said
    assert "the network and your files are within the script's reach" in said
