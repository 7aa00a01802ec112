"""Archives become a folder: whole, safe, once."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from toy_files import FILES, content, sevened, zipped

from common.data.archives import extract, open_data

Opened = Callable[[Path, Path], Path]


def made(cache: Path) -> list[Path]:
    """Folders that stand in the cache, temporary ones included."""
    return [p for p in (cache / "unpacked").glob("*") if p.is_dir()]


def test_a_folder_with_nothing_to_unpack_is_itself(opened: Opened, data: Path, cache: Path) -> None:
    (data / "train.csv").write_text("id\n")
    assert opened(data, cache) == data
    assert not cache.exists()


@pytest.mark.parametrize("missing", [True, False])
def test_no_data_says_how_to_download_it(
    opened: Opened, data: Path, cache: Path, missing: bool
) -> None:
    place = data / "nowhere" if missing else data
    with pytest.raises(ValueError, match="kit <competition> download"):
        opened(place, cache)


@pytest.mark.parametrize("pack", [zipped, sevened])
def test_an_archive_is_unpacked_beside_links_to_plain_files(
    pack, opened: Opened, data: Path, cache: Path
) -> None:
    pack(data / f"train.{'zip' if pack is zipped else '7z'}", FILES)
    (data / "labels.csv").write_bytes(b"id,label\n")
    folder = opened(data, cache)
    assert content(folder) == FILES | {"labels.csv": b"id,label\n"}
    assert folder.is_relative_to(cache)
    assert sorted(p.name for p in data.iterdir() if p.suffix != ".csv") == [
        f"train.{'zip' if pack is zipped else '7z'}"
    ]


def test_kaggles_nested_download_is_unpacked_whole(
    opened: Opened, tmp_path: Path, data: Path, cache: Path
) -> None:
    train = sevened(tmp_path / "train.7z", FILES).read_bytes()
    labels = zipped(tmp_path / "l.zip", {"labels.csv": b"id\n"}).read_bytes()
    inner = {"train.7z": train, "labels.csv.zip": labels, "sampleSubmission.csv": b"id,label\n"}
    whole = FILES | {"labels.csv": b"id\n", "sampleSubmission.csv": b"id,label\n"}
    archive = zipped(data / "cifar-10.zip", inner)
    assert content(opened(data, cache)) == whole
    assert content(opened(archive, cache)) == whole, "the archive itself may be named"


def test_what_stands_unpacked_beside_its_archive_is_left_alone(
    opened: Opened, data: Path, cache: Path
) -> None:
    train = sevened(data / "train.7z", FILES).read_bytes()
    labels = zipped(data / "labels.csv.zip", {"labels.csv": b"id\n"}).read_bytes()
    zipped(data / "cifar-10.zip", {"train.7z": train, "labels.csv.zip": labels, "a/b.csv": b"1"})
    for name, inside in (FILES | {"labels.csv": b"id\n", "a/b.csv": b"1"}).items():
        (data / name).parent.mkdir(exist_ok=True)
        (data / name).write_bytes(inside)
    assert opened(data, cache) == data
    (data / "labels.csv.zip").unlink()
    assert opened(data, cache) == data


def test_unpacking_happens_once_and_links_follow_the_data(
    opened: Opened, data: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zipped(data / "train.zip", FILES)
    (data / "old.csv").write_text("old")
    first = opened(data, cache)
    monkeypatch.setattr(open_data, "unpack_all", None)
    (data / "old.csv").unlink()
    (data / "new.csv").write_text("new")
    assert opened(data, cache) == first
    assert content(first) == FILES | {"new.csv": b"new"}


def test_other_bytes_are_another_folder(opened: Opened, data: Path, cache: Path) -> None:
    zipped(data / "train.zip", FILES)
    first = opened(data, cache)
    zipped(data / "train.zip", FILES | {"train/2.png": b"2.0"})
    second = opened(data, cache)
    assert first != second
    assert content(second)["train/2.png"] == b"2.0"


def test_where_links_are_refused_files_are_copied_and_refreshed(
    opened: Opened, data: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError("a required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", refused)
    zipped(data / "train.zip", FILES)
    (data / "extra").mkdir()
    for words in (b"one", b"other"):
        (data / "extra/a.txt").write_bytes(words)
        folder = opened(data, cache)
        assert content(folder) == FILES | {"extra/a.txt": words}
        assert not (folder / "extra").is_symlink()


def test_a_plain_file_that_differs_from_the_archives_is_pointed_out(
    opened: Opened, data: Path, cache: Path
) -> None:
    zipped(data / "all.zip", FILES | {"labels.csv": b"id\n"})
    (data / "labels.csv").write_bytes(b"id\n")
    assert content(opened(data, cache))["labels.csv"] == b"id\n"
    (data / "labels.csv").write_bytes(b"changed\n")
    with pytest.raises(ValueError, match=r"labels\.csv differs from the labels\.csv in an archive"):
        opened(data, cache)


def test_data_is_never_written(opened: Opened, data: Path, cache: Path) -> None:
    zipped(data / "train.zip", FILES)
    (data / "a.csv").write_text("a")
    before = [path.stat().st_mtime_ns for path in (data, *data.iterdir())]
    opened(data, cache)
    assert before == [path.stat().st_mtime_ns for path in (data, *data.iterdir())]


def test_two_archives_with_the_same_file_are_refused(
    opened: Opened, data: Path, cache: Path
) -> None:
    zipped(data / "a.zip", {"x/1.png": b"1"})
    zipped(data / "b.zip", {"x/1.png": b"2"})
    with pytest.raises(ValueError, match="another archive holds too"):
        opened(data, cache)


def test_what_a_killed_process_left_under_a_temporary_name_is_swept(
    opened: Opened, data: Path, cache: Path
) -> None:
    zipped(data / "train.zip", FILES)
    folder = opened(data, cache)
    shutil.move(folder, killed := folder.with_name(f".{folder.name}.12345678.tmp"))
    assert content(opened(data, cache)) == FILES
    assert not killed.exists()


def test_only_zip_and_7z_are_archives() -> None:
    names = ("a.zip", "b.7Z", "c.csv.gz", "zip")
    assert [extract.is_archive(Path(name)) for name in names] == [True, True, False, False]


@pytest.mark.shared
def test_real_cifar_10_test_images_come_out(opened: Opened, cache: Path) -> None:
    archive = Path(__file__).parents[4] / "../shared/data/cifar-10/test.7z"
    if not archive.is_file():
        pytest.skip("no real images beside the checkout")
    folder = opened(archive.resolve(), cache)
    assert len([name for name in content(folder) if name.startswith("test/")]) == 10_000
