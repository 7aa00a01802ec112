"""A folder that cannot pass `check` is not written: the written readers read the files once before."""

from collections.abc import Callable
from pathlib import Path

import pytest
from toy_conclusions import asked, pairs
from toy_layouts import TEST, TRAIN, csv, some

Break = Callable[[Path], None]


def repeated(folder: Path) -> None:
    csv(folder, "sample_submission.csv", id=[*TEST, TEST[0]], label=some(0, count=5))


def spaced(folder: Path) -> None:
    csv(folder, "train.csv", id=TRAIN, label=some("x", "x ", "y"))


def lacking(folder: Path) -> None:
    (folder / f"train/{TRAIN[3]}.jpg").unlink()


def emptied(folder: Path) -> None:
    (folder / f"train/{TRAIN[3]}.jpg").write_bytes(b"")


def untested(folder: Path) -> None:
    for name in TEST:
        (folder / f"test/{name}.jpg").rename(folder / f"test/other_{name}.jpg")


def unpacked(folder: Path) -> None:
    untested(folder)
    (folder / "test-image.hdf5").write_bytes(b"HDF")


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (repeated, "has 1 id on more than one row (b00e0)"),
        (spaced, "has labels with space around them ('x ')"),
        (lacking, "1 of 12 training images are missing (train/a03e3.jpg): download them"),
        (emptied, "1 of 12 training images are empty files (train/a03e3.jpg)"),
        (
            untested,
            "id of sample_submission.csv is 'b00e0', which no image is called; one is called "
            "test/other_b00e0.jpg: download the test images, or rename them\n",
        ),
        (
            unpacked,
            "or rename them (test-image.hdf5 may hold them, and such files are not read: convert them to PNG)",
        ),
    ],
)
def test_a_folder_that_cannot_pass_check_is_not_written(
    broken: Break,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import kit

    monkeypatch.setenv("KIT_CACHE", str(tmp_path / "cache"))
    pairs(tmp_path / "data", label=some(0, 1, 2))
    broken(tmp_path / "data")
    words = ("--data", str(tmp_path / "data"), "--metric", "accuracy")
    assert kit.main(["new", "toy-broken", *words]) == 1
    shown = capsys.readouterr().err
    assert said in shown
    assert broken is spaced or "they are none of these answers" not in shown
    assert not (kit.HERE / "competitions" / "toy_broken").exists()


def test_a_sample_whose_second_column_names_the_images_is_refused(tmp_path: Path) -> None:
    pairs(tmp_path, label=some("x", "y"))
    csv(tmp_path, "sample_submission.csv", label=some("x", count=4), id=TEST)
    assert (
        "id of sample_submission.csv names the test images, and label, its first column"
        in asked(tmp_path)
    )
