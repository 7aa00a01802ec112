"""An unpacking whose process was killed is gone on with: the same bytes, and no whole member twice."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from py7zr import SevenZipFile
from toy_files import content, encode, picture, sevened, zipped

from common.data.archives import safety, sevenzip
from common.data.archives.open_data import open_folder
from common.data.archives.writer import Writing

FILES = {
    "void.png": b"",
    **{f"train/{number}.png": encode(picture()) for number in range(20)},
    "labels.csv": b"id,label\n" * 50,
    "void.csv": b"",
    **{f"test/{number}.png": encode(picture()) for number in range(20)},
}
WHOLE = sum(bool(data) for data in FILES.values())
# Writes without waiting for a buffer to fill, and dies in the middle of a member, or at the end.
KILLED = """
import os, pathlib, signal, sys
from common.data.archives import pack as packs
from common.data.archives.open_data import open_folder
from common.data.archives.writer import Writing

data, cache, packed, after = sys.argv[1:]
packs.BUFFER = 16
honest, begun = Writing.add, set()

def deadly(writing, name, chunk):
    begun.add(name)
    if len(begun) > int(after):
        honest(writing, name, chunk[: len(chunk) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    honest(writing, name, chunk)

Writing.add = deadly
pathlib.Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
open_folder(pathlib.Path(data), pathlib.Path(cache), packed=packed == "True")
"""


@pytest.fixture(params=[False, True], ids=["files", "packs"])
def packed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the members that are written from now on."""
    names: set[str] = set()
    honest = Writing.add

    def noted(writing: Writing, name: str, chunk: bytes) -> None:
        names.add(name)
        honest(writing, name, chunk)

    monkeypatch.setattr(Writing, "add", noted)
    return names


def killed(data: Path, cache: Path, packed: bool, after: int) -> Path:
    """Unpack in a process that dies after so many members; return what it left."""
    words = [str(data), str(cache), str(packed), str(after)]
    done = subprocess.run([sys.executable, "-c", KILLED, *words], check=False)
    assert done.returncode == -signal.SIGKILL
    assert list((cache / "unpacked").glob("[!.]*")) == [], "taken for whole"
    (part,) = (cache / "unpacked").glob(".*.part")
    return part


def on_disk(folder: Path) -> dict[str, bytes]:
    """Every file, those of packs too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def blocks(place: Path, files: dict[str, bytes]) -> Path:
    """A 7z archive of two blocks."""
    names = [*files]
    for mode, half in (("w", names[:22]), ("a", names[22:])):
        with SevenZipFile(place, mode) as archive:
            for name in half:
                archive.writestr(files[name], name)
    return place


@pytest.mark.parametrize(
    ("pack", "after"), [(zipped, 0), (zipped, 7), (zipped, 1000), (sevened, 30), (blocks, 30)]
)
def test_after_a_kill_no_whole_member_is_written_again(
    pack: Callable[[Path, dict[str, bytes]], Path],
    after: int,
    packed: bool,
    tmp_path: Path,
    data: Path,
    cache: Path,
    written: set[str],
) -> None:
    pack(data / f"all.{'zip' if pack is zipped else '7z'}", FILES)
    undisturbed = open_folder(data, tmp_path / "other", packed=packed)
    written.clear()
    killed(data, cache, packed, after)
    folder = open_folder(data, cache, packed=packed)
    assert on_disk(folder) == on_disk(undisturbed)
    assert content(folder) == FILES
    assert len(written) == max(0, WHOLE - after)


def test_archives_within_archives_are_gone_on_with(
    packed: bool, tmp_path: Path, data: Path, cache: Path, written: set[str]
) -> None:
    inner = sevened(tmp_path / "train.7z", FILES_BELOW).read_bytes()
    zipped(data / "all.zip", {"train.7z": inner, "labels.csv": b"id\n"})
    undisturbed = open_folder(data, tmp_path / "other", packed=packed)
    written.clear()
    killed(data, cache, packed, after=2 + 7)
    folder = open_folder(data, cache, packed=packed)
    assert on_disk(folder) == on_disk(undisturbed)
    assert content(folder) == FILES_BELOW | {"labels.csv": b"id\n"}
    assert len(written) == len(FILES_BELOW) - 7


FILES_BELOW = {f"train/{number}.png": encode(picture()) for number in range(20)}


def test_room_is_needed_for_the_rest_alone(
    packed: bool, data: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zipped(data / "all.zip", FILES)
    part = killed(data, cache, packed, after=30)
    there = sum(map(len, on_disk(part).values()))
    usage = safety.shutil.disk_usage(cache)
    rest = usage._replace(free=sum(map(len, FILES.values())) - there)
    monkeypatch.setattr(safety, "SPARE_BYTES", 0)
    monkeypatch.setattr(safety.shutil, "disk_usage", lambda _: rest)
    assert there > 0
    assert content(open_folder(data, cache, packed=packed)) == FILES


def test_what_is_not_whole_by_its_checksum_is_made_again(
    packed: bool, data: Path, cache: Path, written: set[str]
) -> None:
    zipped(data / "all.zip", FILES)
    part = killed(data, cache, packed, after=30)
    for place in [path for path in part.rglob("*") if path.is_file() and path.stat().st_size]:
        raw = bytearray(place.read_bytes())
        raw[0] ^= 0xFF
        place.write_bytes(raw)
    assert content(open_folder(data, cache, packed=packed)) == FILES
    assert len(written) == WHOLE


def test_of_a_7z_only_the_blocks_that_are_not_whole_are_decompressed(
    data: Path, cache: Path, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks(data / "all.7z", FILES)
    killed(data, cache, packed, after=30)
    read: list[int] = []
    honest = sevenzip._read

    def counted(piece: sevenzip._Piece) -> bytearray:
        read.append(piece.count)
        return honest(piece)

    monkeypatch.setattr(sevenzip, "_read", counted)
    assert content(open_folder(data, cache, packed=packed)) == FILES
    assert sum(read) == sum(len(FILES[name]) for name in [*FILES][22:])
