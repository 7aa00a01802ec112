"""Archives that are damaged, or that would do harm, are refused and leave nothing behind."""

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from py7zr import SevenZipFile
from toy_files import FILES, NOISE, sevened, zipped

from common.data.archives import extract, safety
from common.data.archives.members import Listing, Member
from common.data.archives.writer import write_members

Opened = Callable[[Path, Path], Path]


def made(cache: Path) -> list[Path]:
    """Folders that stand in the cache, temporary ones included."""
    return [p for p in (cache / "unpacked").glob("*") if p.is_dir()]


@pytest.mark.parametrize("pack", [zipped, sevened])
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.97])
def test_a_truncated_archive_is_named_and_leaves_nothing(
    pack, opened: Opened, keep: float, data: Path, cache: Path
) -> None:
    place = pack(data / f"train.{'zip' if pack is zipped else '7z'}", FILES)
    os.truncate(place, int(place.stat().st_size * keep))
    with pytest.raises(ValueError, match=r"train\.(zip|7z) is damaged.*download it again"):
        opened(data, cache)
    assert made(cache) == []


@pytest.mark.parametrize("pack", [zipped, sevened])
def test_an_altered_byte_is_noticed(pack, opened: Opened, data: Path, cache: Path) -> None:
    place = pack(data / f"train.{'zip' if pack is zipped else '7z'}", FILES)
    altered = bytearray(place.read_bytes())
    altered[9_000] ^= 0xFF
    place.write_bytes(altered)
    with pytest.raises(ValueError, match="is damaged"):
        opened(data, cache)
    assert made(cache) == []


def test_a_damaged_inner_archive_is_named_with_its_download(
    opened: Opened, data: Path, cache: Path
) -> None:
    zipped(data / "all.zip", {"train.7z": b"7z\xbc\xaf\x27\x1c" + NOISE, "test.zip": NOISE})
    with pytest.raises(ValueError, match=r"^in .*all\.zip: train\.7z is damaged"):
        opened(data, cache)
    assert made(cache) == []


@pytest.mark.parametrize(
    "name", ["../out.txt", "a/../../out.txt", "/out.txt", "C:/out.txt", "a\\..\\out.txt", "a/.."]
)
def test_a_name_that_leaves_the_folder_is_refused(
    opened: Opened, name: str, tmp_path: Path, data: Path, cache: Path
) -> None:
    zipped(data / "train.zip", {"train/1.png": b"1", name: b"out"})
    with pytest.raises(ValueError, match="holds names outside its folder"):
        opened(data, cache)
    assert list(tmp_path.rglob("out.txt")) == []
    assert made(cache) == []


def test_a_name_that_leaves_the_folder_is_refused_in_7z_too(
    opened: Opened, data: Path, cache: Path
) -> None:
    place = sevened(data / "train.7z", {"train/1.png": b"1", "aa/aa/out.txt": b"out"})
    raw = place.read_bytes()
    with SevenZipFile(place, "w") as archive:
        archive.set_encoded_header_mode(False)
        archive.writestr(b"out", "aa/aa/out.txt")
    raw = place.read_bytes().replace("aa/aa/".encode("utf-16-le"), "../../".encode("utf-16-le"))
    place.write_bytes(_with_header_crc(raw))
    with pytest.raises(ValueError, match="holds names outside its folder"):
        opened(data, cache)


def _with_header_crc(raw: bytes) -> bytes:
    """Put the checksums of an altered, plain 7z header right."""
    offset, size = struct.unpack("<QQ", raw[12:28])
    start = raw[12:28] + struct.pack("<I", zlib.crc32(raw[32 + offset : 32 + offset + size]))
    return raw[:8] + struct.pack("<I", zlib.crc32(start)) + start + raw[32:]


def test_a_link_in_a_zip_is_refused(opened: Opened, data: Path, cache: Path) -> None:
    with zipfile.ZipFile(data / "train.zip", "w") as archive:
        link = zipfile.ZipInfo("train/link")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ValueError, match=r"holds links or special files.*'train/link'"):
        opened(data, cache)
    assert made(cache) == []


def test_a_link_in_a_7z_is_refused(opened: Opened, tmp_path: Path, data: Path, cache: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/plain").write_text("plain")
    (tmp_path / "tree/link").symlink_to("plain")
    with SevenZipFile(data / "train.7z", "w") as archive:
        archive.writeall(tmp_path / "tree", "train")
    with pytest.raises(ValueError, match=r"holds links or special files.*'train/link'"):
        opened(data, cache)


def test_encrypted_archives_are_refused(opened: Opened, data: Path, cache: Path) -> None:
    place = data / "a.7z"
    for hidden_names in (False, True):
        with SevenZipFile(place, "w", password="x", header_encryption=hidden_names) as archive:
            archive.writestr(b"1", "train/1.png")
        with pytest.raises(ValueError, match=r"a\.7z is encrypted"):
            opened(data, cache)
    place.unlink()
    raw = bytearray(zipped(data / "b.zip", {"1.png": b"1"}).read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\1\2") + 8] |= 1
    (data / "b.zip").write_bytes(raw)
    with pytest.raises(ValueError, match=r"b\.zip is encrypted"):
        opened(data, cache)


def test_a_bomb_is_refused_before_a_byte_is_written(
    opened: Opened, data: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zipped(data / "train.zip", {"train/0.png": bytes(3_000_000)})
    monkeypatch.setattr(safety, "GB", 10**6)
    monkeypatch.setattr(safety, "MAX_RATIO", 500)
    monkeypatch.setattr(extract, "write_members", None)
    with pytest.raises(ValueError, match="more than 500 times"):
        opened(data, cache)
    monkeypatch.setattr(safety, "MAX_BYTES", 2_000_000)
    with pytest.raises(ValueError, match="in all"):
        opened(data, cache)
    monkeypatch.undo()
    monkeypatch.setattr(safety, "RESERVED_BYTES", 1 << 60)
    with pytest.raises(ValueError, match="free some space"):
        opened(data, cache)
    assert made(cache) == []


def test_the_sizes_of_nested_archives_add_up(
    opened: Opened, tmp_path: Path, data: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = zipped(tmp_path / "inner.zip", {"1.png": NOISE}, zipfile.ZIP_STORED).read_bytes()
    zipped(data / "all.zip", {"inner.zip": inner})
    monkeypatch.setattr(safety, "MAX_BYTES", 30_000)
    with pytest.raises(ValueError, match="in all"):
        opened(data, cache)


def test_archives_in_archives_end_somewhere(
    opened: Opened, tmp_path: Path, data: Path, cache: Path
) -> None:
    inner = b""
    for depth in range(8):
        inner = zipped(tmp_path / "z.zip", {f"{depth}.zip": inner}).read_bytes()
    (data / "all.zip").write_bytes(inner)
    with pytest.raises(ValueError, match="archives in archives"):
        opened(data, cache)


def test_a_member_larger_than_it_declares_is_cut_off(
    opened: Opened, data: Path, cache: Path
) -> None:
    place = zipped(data / "train.zip", {"0.png": bytes(3_000_000)})
    raw = bytearray(place.read_bytes())
    for at in (22, raw.index(b"PK\1\2") + 24):
        raw[at : at + 4] = (10).to_bytes(4, "little")
    place.write_bytes(raw)
    with pytest.raises(ValueError, match="is damaged"):
        opened(data, cache)
    chunks = (("a", chunk) for chunk in (b"ab", b"cd"))
    with pytest.raises(ValueError, match="larger than it declares"):
        write_members(Listing([Member("a", 3)], lambda: chunks), data, lambda _: None)
    assert (data / "a").read_bytes() == b"ab"
