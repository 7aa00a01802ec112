"""Every way a download goes wrong: what is shown, and what is left on disk."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from common.kaggle import client
from common.kaggle.child.transfer import CHUNK
from common.kaggle.client import KaggleError
from common.kaggle.client.download import zip_fault
from common.kaggle.server.host import FOREVER, Fault, Host, Hosted

PART = ".petals.zip.part"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host whose archive is several chunks long."""
    folder = tmp_path_factory.mktemp("large")
    (folder / "files").mkdir()
    (folder / "files" / "train.bin").write_bytes(random.Random(0).randbytes(300_000))
    hosted = Hosted(
        slug="petals", title="Petals", files=folder / "files", score=lambda _: (0.0, 0.0),
        metric="accuracy", board=[("ann", 0.9, 0.8), ("ben", 0.7, 0.95)],
    )  # fmt: skip
    with Host([hosted], folder=folder / "host") as host:
        yield host


@pytest.fixture
def host(large: Host) -> Host:
    large.faults.clear()
    return large


def size_of(folder: Path) -> int:
    return (folder / PART / "petals.zip").stat().st_size


def is_whole(folder: Path) -> bool:
    """The archive alone, under its name, its bytes right."""
    if [path.name for path in folder.iterdir()] != ["petals.zip"]:
        return False
    with ZipFile(folder / "petals.zip") as archive:
        return archive.namelist() == ["train.bin"] and archive.read("train.bin") == random.Random(
            0
        ).randbytes(300_000)


def test_too_many_requests_and_a_server_in_trouble_are_waited_out(
    host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    method = "DownloadDataFiles"
    host.faults.add(Fault(method=method, status=429, retry_after=1))
    host.faults.add(Fault(method=method, status=503), Fault(method=method, status=500))
    client.download("petals", tmp_path, environment=host.environment)
    shown = capsys.readouterr().err
    assert "downloading petals: 429 A fault made on purpose; trying again in 1 s" in shown
    assert "503 A fault" in shown and "500 A fault" in shown
    assert is_whole(tmp_path)


def test_a_server_in_trouble_for_long_is_given_up_with_its_reason(
    host: Host, tmp_path: Path
) -> None:
    host.faults.add(Fault(method="DownloadDataFiles", status=503, times=FOREVER))
    with pytest.raises(KaggleError, match=r"in trouble \(503: A fault.*try again later"):
        client.download("petals", tmp_path, environment=host.environment)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_silence_is_given_up_and_asked_again(
    host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("KIT_SILENCE", "3")
    host.faults.add(Fault(method="GET", silent=True))
    client.download("petals", tmp_path, environment=host.environment)
    assert "downloading petals: no answer in 3 s; trying again" in capsys.readouterr().err
    assert is_whole(tmp_path)


def test_silence_for_ever_ends_in_a_sentence(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_SILENCE", "0.7")
    host.faults.add(Fault(method="DownloadDataFiles", silent=True, times=FOREVER))
    with pytest.raises(KaggleError, match="Kaggle gave no answer in 1 s; try again later"):
        client.download("petals", tmp_path, environment=host.environment)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_cut_half_way_is_gone_on_with(
    host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host.faults.add(Fault(method="GET", cut_at=200_000))
    client.download("petals", tmp_path, environment=host.environment)
    kept = 200_000 // CHUNK * CHUNK
    said = (
        f"cut off, {kept:,} of {(tmp_path / 'petals.zip').stat().st_size:,} bytes are here; trying"
    )
    assert said in capsys.readouterr().err
    assert is_whole(tmp_path)


def test_an_archive_cut_for_ever_is_kept_as_a_part_and_finished_by_the_next_call(
    host: Host, tmp_path: Path
) -> None:
    host.faults.add(Fault(method="GET", cut_at=200_000, times=FOREVER))
    with pytest.raises(KaggleError, match=r"are here, again and again; .*goes on from there"):
        client.download("petals", tmp_path, environment=host.environment)
    assert not (tmp_path / "petals.zip").exists()
    kept = size_of(tmp_path)
    assert 100_000 < kept <= 200_000

    host.faults.clear()
    host.faults.add(Fault(method="GET", ranged=True, corrupt_at=0))  # met only by a resumption
    client.download("petals", tmp_path, environment=host.environment)
    assert host.faults.take("GET", ranged=True) is None
    assert is_whole(tmp_path)


@pytest.mark.parametrize("status", [403, 503])
def test_an_error_answer_to_the_resumption_never_gets_into_the_file(
    host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    host.faults.add(
        Fault(method="GET", cut_at=200_000), Fault(method="GET", ranged=True, status=status)
    )
    client.download("petals", tmp_path, environment=host.environment)
    shown = capsys.readouterr().err
    assert f"{status} A fault made on purpose" in shown
    assert "damaged" not in shown  # what had arrived was not touched
    assert is_whole(tmp_path)


def test_a_wrong_byte_is_found_and_the_archive_fetched_again(
    host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host.faults.add(Fault(method="GET", corrupt_at=150_000))
    client.download("petals", tmp_path, environment=host.environment)
    assert "petals.zip arrived damaged (train.bin fails its checksum)" in capsys.readouterr().err
    assert is_whole(tmp_path)


def test_a_wrong_byte_that_no_members_checksum_covers_is_found_by_the_md5(
    host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host.faults.add(Fault(method="GET", corrupt_at=11))  # in the time of the first member's header
    client.download("petals", tmp_path, environment=host.environment)
    assert "petals.zip arrived damaged (its MD5 is " in capsys.readouterr().err
    assert is_whole(tmp_path)


def test_wrong_bytes_for_ever_leave_nothing_behind(host: Host, tmp_path: Path) -> None:
    host.faults.add(Fault(method="GET", corrupt_at=150_000, times=FOREVER))
    with pytest.raises(KaggleError, match="arrived damaged 2 times"):
        client.download("petals", tmp_path, environment=host.environment)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_the_right_name_size_and_time_is_not_taken_for_the_download(
    host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = client.download("petals", tmp_path, environment=host.environment)
    found.write_bytes(bytes(found.stat().st_size))
    os.utime(found, (4e9, 4e9))  # newer than the server's: the client would skip it
    client.download("petals", tmp_path, environment=host.environment)
    assert "is no whole archive of the data" in capsys.readouterr().err
    assert is_whole(tmp_path)


def test_a_whole_archive_is_not_fetched_again(
    host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client.download("petals", tmp_path, environment=host.environment)
    host.faults.add(Fault(method="DownloadDataFiles", status=404))
    client.download("petals", tmp_path, environment=host.environment)
    assert "there already, and whole" in capsys.readouterr().err


def test_a_part_of_another_version_is_not_mixed_in(host: Host, tmp_path: Path) -> None:
    part = tmp_path / PART
    part.mkdir()
    (part / "petals.zip").write_bytes(b"x" * 1000)
    (part / "petals.zip.identity.json").write_text('{"validator": "older", "size": 300124}')
    client.download("petals", tmp_path, environment=host.environment)
    assert is_whole(tmp_path)


def test_the_leaderboard_never_lands_on_the_data(
    host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client.download("petals", tmp_path, environment=host.environment)
    rows = client.leaderboard("petals", environment=host.environment)
    assert [(row.rank, row.team, row.score) for row in rows] == [(1, "ann", 0.9), (2, "ben", 0.7)]
    assert is_whole(tmp_path)

    variables = {**os.environ, **host.environment}
    subprocess.run(  # the client's own command does
        [sys.executable, "-c", "from kaggle.cli import main; main()", "competitions", "leaderboard",
         "petals", "--download", "--path", str(tmp_path)],
        env={name: value for name, value in variables.items() if value}, check=True,
        capture_output=True,
    )  # fmt: skip
    assert not is_whole(tmp_path)
    client.download("petals", tmp_path, environment=host.environment)
    assert "it holds the leaderboard" in capsys.readouterr().err
    assert is_whole(tmp_path)


@pytest.mark.slow
def test_a_download_cut_at_any_byte_ends_whole_or_not_at_all(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_PAUSES", "0.01,0.01")
    chance = random.Random(3)
    ended = []
    for number in range(4):
        cuts = [chance.randrange(300_300) for _ in range(5)]
        host.faults.clear()
        host.faults.add(*[Fault(method="GET", cut_at=cut) for cut in cuts])
        folder = tmp_path / str(number)
        try:
            client.download("petals", folder, environment=host.environment)
            assert is_whole(folder), cuts
        except KaggleError:
            assert not (folder / "petals.zip").exists(), cuts
        ended.append((folder / "petals.zip").exists())
    assert set(ended) == {True, False}


def test_a_broken_stream_of_a_packed_member_is_a_fault_and_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", bytes(range(256)) * 100)
    data = bytearray(path.read_bytes())
    data[60:80] = bytes(20)
    path.write_bytes(data)
    assert zip_fault(path)
