"""Parts of a data set are never taken for classes, nor classes for parts, without a word."""

import re
from pathlib import Path

import pytest
from toy_folders import classes, grown, said

from common.data.class_folders import open_tree
from common.data.dataset_layout import CLASSES


def both(place: str) -> list[str]:
    """An image each of two classes below a place."""
    return [f"{place}/{name}/1.jpg" for name in ("cat", "dog")]


@pytest.mark.parametrize(
    ("names", "test"),
    [
        ([*both("training_set"), *both("test_set")], "test_set"),
        (
            [*both("seg_train/seg_train"), *both("seg_test/seg_test"), "seg_pred/seg_pred/1.jpg"],
            "seg_test/seg_test",
        ),
        ([*both("train_images"), "test_images/1.jpg"], "test_images"),
        ([*both("a/Train-Data"), *both("a/Test-Data")], "Test-Data"),
        ([*both("train/train"), *both("train/val")], "val"),
        ([*both("train/train"), "test/test/1.jpg"], "test/test"),
        ([*both("dataset/train"), *both("dataset/test"), "code/a.py"], "test"),
        ([*both("images/train"), *both("images/val"), "labels/train/1.txt"], "val"),
        ([*both("train/images"), "test/images/1.jpg"], "test/images"),
        ([*both("pets_train"), "test/1.jpg"], "test"),
        ([*both("Training"), *both("PublicTest"), *both("PrivateTest")], "PublicTest"),
        ([*both("train"), *both("dev")], "dev"),
        ([*both("train"), "predict/1.jpg"], "predict"),
        ([*both("train"), "unlabelled/1.jpg", *both("hold_out")], "hold_out"),
    ],
)
def test_parts_are_found_by_the_names_people_use(
    names: list[str], test: str, tmp_path: Path
) -> None:
    grown(tmp_path, *names)
    assert classes(tmp_path) == "cat dog"
    tree = open_tree(tmp_path)
    assert tree.test is not None
    assert tree.test.relative_to(tree.root).as_posix() == test
    assert len(tree.test_rows()) in (1, 2)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["dev/cat/1.jpg"], "dev is taken for the test set"),
        (["predict/1.jpg"], "predict is taken for the test set"),
        (
            ["test/1.jpg", "dev/1.jpg", "extra/1.jpg"],
            "dev, .*extra are not used: .*test is the test",
        ),
        (["test/1.jpg", "seg_pred/2.jpg"], "seg_pred is not used"),
        (["PublicTest/1.jpg", "PrivateTest/1.jpg"], "PrivateTest is not used: .*PublicTest is the"),
        (["figures/1.jpg"], "figures is not used"),
        (["cover.jpg"], r"images beside train are not used \(cover.jpg\)"),
    ],
)
def test_a_folder_beside_train_is_used_or_named(
    names: list[str], words: str, tmp_path: Path
) -> None:
    grown(tmp_path, *both("train"), *names)
    assert re.search(words, said(tmp_path))


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (
            ["test/1.jpg", "control/1.jpg", "placebo/1.jpg"],
            "test may be a class like control, placebo",
        ),
        (
            ["valid/1.jpg", "invalid/1.jpg", "unsure/1.jpg"],
            "valid may be a class like invalid, unsure",
        ),
        (["dev/a/1.jpg", "prod/a/1.jpg"], "dev may be a class like prod"),
        (["test/1.jpg", *(f"c{n}/1.jpg" for n in range(10))], "test may be a class like c0, c1"),
        (
            ["train/city/1.jpg", "train/cargo/1.jpg", "bus/1.jpg", "tram/1.jpg"],
            "train may be a class like bus, tram",
        ),
        (["train/1.jpg", "test/1.jpg"], "train, which are called as parts|test, train, which are"),
        (["train-jpg/1.jpg", "test-jpg/1.jpg", "test-jpg-additional/1.jpg"], "called as parts"),
        (["train/train/1.jpg", "train/valid/1.jpg"], "called as parts"),
        (["val/cat/1.jpg", "test/cat/1.jpg"], "and no training folder"),
        (["cat/train/1.jpg", "cat/test/2.jpg", "dog/train/1.jpg"], "split inside of a class"),
        ([*both("a/train"), *both("a/test"), "b/1.jpg"], "split inside of a class"),
    ],
)
def test_what_may_be_parts_or_classes_stops_and_a_file_settles_it(
    names: list[str], words: str, tmp_path: Path
) -> None:
    grown(tmp_path, *names)
    with pytest.raises(ValueError, match=words) as stopped:
        open_tree(tmp_path).train_rows()
    told = re.search(rf"by a file {CLASSES} in (\S+) \(or", str(stopped.value))
    assert told
    place = Path(told[1])
    folders = sorted(each.name for each in place.iterdir())
    (place / CLASSES).write_text("\n".join(folders) + "\n")
    assert classes(tmp_path) == " ".join(folders)


def test_two_training_folders_stop(tmp_path: Path) -> None:
    grown(tmp_path, *both("train"), *both("training"))
    with pytest.raises(
        ValueError, match=r"several training folders .*\(train, training\): keep one"
    ):
        open_tree(tmp_path)


@pytest.mark.parametrize("names", ["test control placebo", "valid invalid unsure", "train bus"])
def test_class_folders_moved_below_train_are_classes_whatever_they_are_called(
    names: str, tmp_path: Path
) -> None:
    grown(tmp_path, *(f"train/{name}/1.jpg" for name in names.split()), "test/2.jpg")
    assert classes(tmp_path) == " ".join(sorted(names.split()))
    assert open_tree(tmp_path).test_rows()["id"].tolist() == ["test/2.jpg"]


def test_a_file_names_the_classes_and_what_lies_beside_them_keeps_its_part(tmp_path: Path) -> None:
    grown(tmp_path, "a/cat/1.jpg", "a/dog/1.jpg", "a/test/9.jpg")
    (tmp_path / CLASSES).write_text("\ufeffdog\r\n\r\ncat\r\n", encoding="utf-8")
    assert classes(tmp_path) == "cat dog"
    assert open_tree(tmp_path).test_rows()["id"].tolist() == ["test/9.jpg"]
    (tmp_path / CLASSES).write_text("cat\nemu\n")
    with pytest.raises(ValueError, match=r"names emu, and .* has no folders of these names"):
        open_tree(tmp_path)


@pytest.mark.parametrize(
    "names",
    ["validated contest", "training_shoes boots", "test_tube beaker", "de en te tr", "data images"],
)
def test_ordinary_classes_stay_classes(names: str, tmp_path: Path) -> None:
    grown(tmp_path, *(f"{name}/{number}.jpg" for name in names.split() for number in range(2)))
    assert classes(tmp_path) == " ".join(sorted(names.split()))
    assert said(tmp_path) == ""
