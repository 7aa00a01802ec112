"""Tars and split archives are read as zips are; what is not read is named, wherever it lies."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from toy_files import FILES, content, cut, sevened, tarred, written, zipped

from common.data.archives.open_data import open_folder

Opened = Callable[[Path, Path], Path]
MODES = {
    ".tar": "",
    ".tar.gz": "gz",
    ".tgz": "gz",
    ".tar.bz2": "bz2",
    ".tar.xz": "xz",
    ".TGZ": "gz",
}


@pytest.mark.parametrize("suffix", MODES)
def test_a_tar_is_unpacked(suffix: str, opened: Opened, data: Path, cache: Path) -> None:
    tarred(data / f"train{suffix}", FILES, MODES[suffix])
    assert content(opened(data, cache)) == FILES
    assert content(opened(data / f"train{suffix}", cache)) == FILES


@pytest.mark.parametrize("name", ["train", "train.gz", "train.zip", "train.tar"])
def test_what_an_archive_is_its_bytes_tell(
    name: str, opened: Opened, data: Path, cache: Path
) -> None:
    tarred(data / name, FILES, "gz" if name == "train.gz" else "")
    assert content(opened(data, cache)) == FILES


@pytest.mark.parametrize(
    ("pack", "names"),
    [
        (zipped, ["a.zip.001", "a.zip.002", "a.zip.003"]),
        (sevened, ["a.7z.001", "a.7z.002"]),
        (tarred, ["a.tar.aa", "a.tar.ab", "a.tar.ac"]),
        (zipped, ["a.zip.part1", "a.zip.part2"]),
        (zipped, ["a.z01", "a.z02", "a.zip"]),
    ],
)
def test_plain_pieces_are_read_as_one(
    pack, names: list[str], opened: Opened, data: Path, cache: Path
) -> None:
    cut(pack(data / "whole", FILES), names)
    assert content(opened(data, cache)) == FILES
    (data / names[-2]).unlink()
    with pytest.raises(ValueError, match=r"is split, and .*missing|is damaged"):
        opened(data, cache)


@pytest.mark.skipif(shutil.which("zip") is None, reason="needs the program zip")
def test_a_zip_that_was_written_in_pieces_is_read(
    opened: Opened, tmp_path: Path, data: Path, cache: Path
) -> None:
    files = {f"train/{number}.png": os.urandom(30_000) for number in range(6)}
    written(tmp_path / "in", files)
    command = ["zip", "-q", "-s", "64k", "-r", str(data / "a.zip"), "train"]
    subprocess.run(command, cwd=tmp_path / "in", check=True)
    assert len(list(data.iterdir())) > 2
    assert content(opened(data, cache)) == files
    for piece in data.glob("a.z0*"):
        piece.unlink()
    with pytest.raises(ValueError, match=r"a\.zip is the last of \d parts of a split archive"):
        opened(data, cache)


def test_archives_in_folders_and_in_archives_are_unpacked_where_they_lie(
    opened: Opened, tmp_path: Path, data: Path, cache: Path
) -> None:
    rest = {"train/cat/1.png": b"cat", "train/dog/1.png": b"dog", "train/a.csv": b"1"}
    written(data, rest)
    tarred(data / "train/emu.tar.gz", {"emu/1.png": b"emu"}, "gz")
    inner = tarred(tmp_path / "fox.tar.xz", {"fox/1.png": b"fox"}, "xz").read_bytes()
    zipped(data / "more.zip", {"train/fox.tar.xz": inner, "train/dog/2.png": b"dog2"})
    more = {"train/emu/1.png": b"emu", "train/fox/1.png": b"fox", "train/dog/2.png": b"dog2"}
    for _ in range(2):
        assert content(opened(data, cache)) == rest | more
    (data / "train/dog/1.png").unlink()
    assert "train/dog/1.png" not in content(opened(data, cache))
    written(data, {"train/dog/2.png": b"other"})
    with pytest.raises(
        ValueError, match=r"more\.zip holds 2 files, and 2 of them|differs from the"
    ):
        opened(data, cache)


@pytest.mark.parametrize("pack", [zipped, sevened, tarred])
@pytest.mark.parametrize("place", ["", "train/"])
def test_an_archive_beside_a_part_of_what_it_holds_stops_with_the_count(
    pack, place: str, opened: Opened, data: Path, cache: Path
) -> None:
    suffix = {zipped: "zip", sevened: "7z", tarred: "tar"}[pack]
    files = {f"cat/{number}.png": b"%d" % number for number in range(24)}
    pack(data / f"cat.{suffix}", files)
    for kept, unpacked in ((14, f"{place}cat"), (24, f"{place}cat")):
        some = dict(list(files.items())[:kept])
        shutil.rmtree(data / "cat", ignore_errors=True)
        shutil.rmtree(data / "train", ignore_errors=True)
        written(data, {name.replace("cat", unpacked, 1): inside for name, inside in some.items()})
        if place:  # unpacked in a folder of the archive's name, or sorted anew in it
            shutil.move(data / "train", data / "cat")
        if kept == 24:
            assert opened(data, cache) == data
            continue
        with pytest.raises(
            ValueError, match=r"holds 24 files, and 10 of them are not beside it.*cat/14"
        ):
            opened(data, cache)


def test_images_in_no_folder_go_to_one_of_the_archives_name(data: Path, cache: Path) -> None:
    written(data, {"pizza/1.png": b"1"})
    zipped(data / "steak.zip", {"1.png": b"2", "notes.txt": b"x"})
    inner = tarred(data / "sushi.tar.gz", {"1.png": b"3"}, "gz").read_bytes()
    zipped(data / "all.zip", {"taco.tgz": inner, "a/1.png": b"4"})
    found = content(open_folder(data, cache))
    assert {name for name in found if name.endswith("png")} == {
        "pizza/1.png",
        "steak/1.png",
        "sushi/1.png",
        "taco/1.png",
        "a/1.png",
    }


def test_a_member_of_another_size_is_counted_as_missing(
    opened: Opened, data: Path, cache: Path
) -> None:
    zipped(data / "train.zip", FILES)
    written(data, FILES | {"train/2.png": b"tw"})
    with pytest.raises(ValueError, match=r"3 files, and 1 of them is not beside .*train/2\.png\)"):
        opened(data, cache)


def test_what_a_computer_adds_by_itself_is_not_missed(
    opened: Opened, data: Path, cache: Path
) -> None:
    litter = {"__MACOSX/train/._1.png": b"x", "train/.DS_Store": b"x", "train/Thumbs.db": b"x"}
    zipped(data / "train.zip", FILES | litter)
    written(data, FILES)
    assert opened(data, cache) == data


def test_an_inner_archive_beside_a_part_of_what_it_holds_stops_too(
    opened: Opened, tmp_path: Path, data: Path, cache: Path
) -> None:
    inner = zipped(tmp_path / "train.zip", FILES).read_bytes()
    zipped(data / "all.zip", {"train.zip": inner, "train/2.png": b"two"})
    with pytest.raises(
        ValueError, match=r"^in .*all\.zip: train\.zip holds 3 files, and 2 of them"
    ):
        opened(data, cache)
    zipped(data / "all.zip", {"train.zip": inner, **FILES})
    assert {name for name in content(opened(data, cache)) if "/" in name} == {*FILES}


@pytest.mark.parametrize(
    "name", ["a.rar", "a.r00", "a.tar.zst", "a.iso", "a.zip.crdownload", "train/a.rar", "a.zip"]
)
def test_an_archive_that_is_not_read_is_named(
    name: str, opened: Opened, data: Path, cache: Path
) -> None:
    written(data, {name: b"Rar!\x1a\x07\x01\x00", "train/cat/1.png": b"1"})
    with pytest.raises(ValueError, match=r"a\.(rar|r00|tar.zst|iso|zip\S*) .*unpack it by hand"):
        opened(data, cache)
    if name != "a.zip":
        written(data / name.rpartition("/")[0], {"a/1.png": b"1"})
        assert opened(data, cache) == data


def test_an_archive_in_an_archive_that_is_not_read_is_named(
    opened: Opened, data: Path, cache: Path
) -> None:
    zipped(data / "all.zip", {"train/1.png": b"1", "train/a.rar": b"Rar!"})
    with pytest.raises(ValueError, match=r"all\.zip holds train/a\.rar, which the kit cannot read"):
        opened(data, cache)
