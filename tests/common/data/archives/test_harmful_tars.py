"""Tars that are damaged, or that would do harm, are refused and leave nothing behind."""

import bz2
import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from toy_files import FILES, tarred, zipped

from common.data.archives import safety, tar_reader
from common.data.archives.open_data import open_folder

Opened = Callable[[Path, Path], Path]


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_in_a_tar_are_refused(
    kind: bytes, opened: Opened, data: Path, cache: Path
) -> None:
    with tarfile.open(data / "train.tar", "w") as archive:
        info = tarfile.TarInfo("train/link")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(ValueError, match=r"holds links or special files.*'train/link'"):
        opened(data, cache)


@pytest.mark.parametrize("name", ["../out.txt", "a/../../out.txt", "/out.txt", "a\\..\\out.txt"])
def test_a_name_that_leaves_the_folder_is_refused_in_a_tar_too(
    name: str, opened: Opened, tmp_path: Path, data: Path, cache: Path
) -> None:
    with tarfile.open(data / "train.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    with pytest.raises(ValueError, match="holds names outside its folder"):
        opened(data, cache)
    assert list(tmp_path.rglob("out.txt")) == []


@pytest.mark.parametrize("mode", ["", "gz", "bz2", "xz"])
def test_a_tar_that_was_cut_or_altered_is_damaged(
    mode: str, opened: Opened, data: Path, cache: Path
) -> None:
    place = tarred(data / "train.tar", FILES, mode)
    whole = place.read_bytes()
    altered = bytearray(whole)
    altered[9_000] ^= 0xFF
    # A plain tar has no checksum of contents: its heads have, and its end is marked.
    cuts = [whole[: len(whole) // 2], bytes(altered) if mode else whole[: len(whole) - 10_240]]
    for broken in cuts:
        place.write_bytes(broken)
        with pytest.raises(ValueError, match="is damaged"):
            opened(data, cache)
    assert [p for p in (cache / "unpacked").glob("*") if p.is_dir()] == []


def test_a_tar_with_a_broken_head_in_its_middle_loses_nothing_silently(
    opened: Opened, data: Path, cache: Path
) -> None:
    place = tarred(data / "train.tar", {"a/1.png": b"1", "a/2.png": b"2"})
    raw = bytearray(place.read_bytes())
    raw[raw.index(b"./a/2.png") + 1] ^= 0xFF
    place.write_bytes(raw)
    with pytest.raises(ValueError, match="is damaged"):
        opened(data, cache)


def test_a_bomb_in_a_tar_is_refused_before_it_is_unpacked(
    opened: Opened, data: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (safety, tar_reader):
        monkeypatch.setattr(module, "GB", 10**6)
        monkeypatch.setattr(module, "MAX_RATIO", 500)
    tarred(data / "train.tar.bz2", {"0.png": bytes(3_000_000), "1.png": bytes(9)}, "bz2")
    with pytest.raises(ValueError, match="more than 500 times"):
        opened(data, cache)
    (data / "train.tar.bz2").unlink()
    head = tarfile.TarInfo("x")
    head.type, head.size = tarfile.XHDTYPE, 1 << 30
    (data / "b.tar.gz").write_bytes(gzip.compress(head.tobuf() + bytes(1 << 20)))
    with pytest.raises(ValueError, match="has a header of 1,073,741,824 bytes"):
        opened(data, cache)
    (data / "b.tar.gz").unlink()
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("1.png"))
    monkeypatch.setattr(tar_reader, "MAX_PADDING", 1 << 20)
    (data / "c.tar.bz2").write_bytes(bz2.compress(whole.getvalue() + bytes(3 << 20)))
    with pytest.raises(ValueError, match="goes on after its end"):
        opened(data, cache)


def test_an_inner_archives_name_leads_nowhere(tmp_path: Path, data: Path, cache: Path) -> None:
    inner = zipped(tmp_path / "in.zip", {"1.png": b"1"}).read_bytes()
    zipped(data / "all.zip", {"...zip": inner})
    folder = open_folder(data, cache)
    assert (folder / "1.png").is_file()
    assert list(folder.parent.glob("*.png")) == []


def test_a_file_and_a_folder_of_one_name_are_refused(
    opened: Opened, data: Path, cache: Path
) -> None:
    tarred(data / "train.tar", {"a": b"1", "a/b.csv": b"2"})
    with pytest.raises(ValueError, match=r"train\.tar holds a, and something else of that name"):
        opened(data, cache)
    assert [p for p in (cache / "unpacked").glob("*") if p.is_dir()] == []
