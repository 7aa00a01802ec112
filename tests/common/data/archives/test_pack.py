"""Packs: an archive's images in one file are the same images, under the same paths."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy_files import encode, picture, sevened, zipped

from common.data.archives import pack, safety
from common.data.archives.encoded_images import Encoded
from common.data.archives.open_data import open_folder
from common.data.archives.pack import BYTES, INDEX, Pack, packs_of
from common.data.archives.safety import PACKS
from common.data.pixels.store import Store, open_store

IMAGES = {f"train/{number}.png": encode(picture()) for number in range(150)}


def table_of(folder: Path, names: list[str]) -> pd.DataFrame:
    """Rows as a CSV's readers make them: paths of text."""
    return pd.DataFrame({"id": names, "path": [f"{folder}{os.sep}{name}" for name in names]})


def stored(folder: Path, names: list[str]) -> Store:
    return open_store(table_of(folder, names), side=0, cache=folder.parents[1])


@pytest.mark.parametrize("pack", [zipped, sevened])
def test_the_store_of_a_pack_is_the_store_of_the_files(
    pack, tmp_path: Path, data: Path, cache: Path
) -> None:
    pack(data / f"train.{'zip' if pack is zipped else '7z'}", IMAGES | {"a.csv": b"id\n"})
    files = stored(open_folder(data, cache), [*IMAGES])
    other = stored(open_folder(data, tmp_path / "other", packed=True), [*IMAGES])
    assert other.digests == files.digests
    assert other.folder.name == files.folder.name
    assert (other.array() == files.array()).all()


def test_a_thousand_images_are_three_files(data: Path, cache: Path) -> None:
    zipped(data / "train.zip", {f"train/{n}.png": b"%d" % n for n in range(1000)})
    folder = open_folder(data, cache, packed=True)
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 3
    assert len([*Encoded([folder / f"train/{n}.png" for n in range(1000)])]) == 1000


@pytest.mark.parametrize("part", [BYTES, INDEX, pack.NAMES])
def test_a_truncated_pack_is_made_again(part: str, data: Path, cache: Path) -> None:
    zipped(data / "train.zip", IMAGES)
    (data / "a.csv").write_text("id\n")
    folder = open_folder(data, cache, packed=True)
    place = packs_of(folder)[0] / part
    whole = place.read_bytes()
    os.truncate(place, len(whole) - 1)
    assert open_folder(data, cache, packed=True) == folder
    assert place.read_bytes() == whole
    assert (folder / "a.csv").read_text() == "id\n"


def test_a_packed_image_is_read_for_its_pixels_alone(
    data: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zipped(data / "train.zip", IMAGES)
    folder = open_folder(data, cache, packed=True)
    first = stored(folder, [*IMAGES])
    monkeypatch.setattr(Pack, "__getitem__", None)
    assert stored(folder, [*IMAGES]).folder == first.folder


def test_an_image_beside_an_archive_that_holds_it_too_must_be_the_same(
    data: Path, cache: Path
) -> None:
    zipped(data / "all.zip", {"a.png": b"1", "b.png": b"2"})
    (data / "a.png").write_bytes(b"1")
    folder = open_folder(data, cache, packed=True)
    assert [*Encoded([folder / "a.png", folder / "b.png"])] == [b"1", b"2"]
    (data / "a.png").write_bytes(b"3")
    with pytest.raises(ValueError, match=r"a\.png differs from the a\.png in an archive"):
        open_folder(data, cache, packed=True)


@pytest.mark.parametrize("packed", [False, True])
def test_an_archive_cannot_bring_packs_of_its_own(data: Path, cache: Path, packed: bool) -> None:
    zipped(data / "all.zip", {"1.png": b"1", f"{PACKS}/0000/{BYTES}": b"other"})
    with pytest.raises(ValueError, match=r"holds a folder \.packs"):
        open_folder(data, cache, packed=packed)


@pytest.mark.slow
def test_archives_unpacked_at_once_are_refused_together(data: Path, cache: Path) -> None:
    noise = np.random.default_rng(0).bytes(3_000_000)
    for name in "abc":
        sevened(data / f"{name}.7z", {f"{name}/{n}.png": noise[n:] for n in range(3)})
    raw = bytearray((data / "b.7z").read_bytes())
    raw[2_500_000] ^= 0xFF
    (data / "b.7z").write_bytes(raw)
    with pytest.raises(ValueError, match=r"b\.7z is damaged"):
        open_folder(data, cache, packed=True)
    assert [path for path in (cache / "unpacked").iterdir() if path.is_dir()] == []
    sevened(data / "b.7z", {f"b/{n}.png": noise[n:] for n in range(3)})
    folder = open_folder(data, cache, packed=True)
    paths = [folder / name / f"{n}.png" for name in "abc" for n in range(3)]
    assert [*Encoded(paths)] == [noise[n:] for _ in "abc" for n in range(3)]


def test_archives_unpacked_at_once_need_room_for_all(
    data: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        zipped(data / f"{name}.zip", {f"{name}.png": bytes(600)}, zipfile.ZIP_STORED)
    honest = disk_with(monkeypatch, 1000)
    with pytest.raises(ValueError, match=r"b\.zip would unpack.*free some space"):
        open_folder(data, cache, packed=True)
    disk_with(monkeypatch, honest)
    assert len(packs_of(open_folder(data, cache, packed=True))) == 2


def disk_with(monkeypatch: pytest.MonkeyPatch, free: int) -> int:
    """Let the disk have so many bytes beside those kept free; return what it has."""
    usage = safety.shutil.disk_usage("/")
    monkeypatch.setattr(safety, "RESERVED_BYTES", 0)
    monkeypatch.setattr(safety.shutil, "disk_usage", lambda _: usage._replace(free=free))
    return usage.free
