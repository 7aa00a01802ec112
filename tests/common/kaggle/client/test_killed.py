"""A download whose process is killed: nothing under the final name, and the next call goes on."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from common.kaggle.server.host import Fault, Host, Hosted

ROOT = Path(__file__).parents[4]
CONTENT = random.Random(0).randbytes(300_000)


def until(happens: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.02)


def children(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8")
    return [int(word) for word in found.split()]


def runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are looked up in /proc")
@pytest.mark.slow
def test_a_download_killed_half_way_is_gone_on_with_by_the_next_call(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "train.bin").write_bytes(CONTENT)
    hosted = Hosted(
        slug="digits",
        title="Digits",
        files=tmp_path / "files",
        score=lambda _: (0.0, 0.0),
        metric="accuracy",
    )
    folder = tmp_path / "data"
    part = folder / ".digits.zip.part" / "digits.zip"
    with Host([hosted], folder=tmp_path / "host") as host:
        variables = {**os.environ, **host.environment, "PYTHONPATH": str(ROOT)}
        environment = {name: value for name, value in variables.items() if value}
        command = [sys.executable, "-m", "kit", "digits", "download", "--data", str(folder)]

        host.faults.add(Fault(method="GET", cut_at=200_000, silent=True))
        process = subprocess.Popen(command, env=environment, cwd=tmp_path)
        until(lambda: part.exists() and part.stat().st_size > 100_000)
        clients = children(process.pid)
        assert clients
        process.kill()
        process.wait()
        until(lambda: not any(map(runs, clients)))
        assert not (folder / "digits.zip").exists()
        kept = part.stat().st_size
        assert 100_000 < kept <= 200_000

        host.faults.add(Fault(method="GET", ranged=True, corrupt_at=0))  # met by a Range alone
        subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, check=True)
        assert host.faults.take("GET", ranged=True) is None
    assert [path.name for path in folder.iterdir()] == ["digits.zip"]
    with ZipFile(folder / "digits.zip") as archive:
        assert archive.read("train.bin") == CONTENT
