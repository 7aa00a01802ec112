"""Folders of classes: which is what, what is left out, and what is refused."""

from pathlib import Path

import pytest
from toy_folders import grown, labels, said

from common.data.class_folders import open_tree


def test_an_id_is_the_path_and_a_label_the_folder(tmp_path: Path) -> None:
    grown(tmp_path, "train/dog/2.jpg", "train/cat/1.jpg", "train/cat/2.jpg")
    assert labels(tmp_path) == {
        "train/cat/1.jpg": "cat",
        "train/cat/2.jpg": "cat",
        "train/dog/2.jpg": "dog",
    }
    assert open_tree(tmp_path).test_rows().empty


def test_the_place_that_one_stands_in_changes_no_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown(tmp_path, "cat/1.jpg", "dog/2.jpg")
    monkeypatch.chdir(tmp_path)
    assert labels(Path()) == labels(tmp_path) == {"cat/1.jpg": "cat", "dog/2.jpg": "dog"}


def test_nested_folders_belong_to_the_first_below_train(tmp_path: Path) -> None:
    grown(tmp_path, "train/cat/old/grey/1.jpg", "train/cat/1.jpg", "train/dog/new/1.jpg")
    assert set(labels(tmp_path).values()) == {"cat", "dog"}
    assert labels(tmp_path)["train/cat/old/grey/1.jpg"] == "cat"


def test_what_is_no_image_is_left_out_and_what_may_be_one_is_not(tmp_path: Path) -> None:
    junk = (".DS_Store", "Thumbs.db", "desktop.ini", "notes.txt", "a.CSV", "b.json", "README.md")
    grown(tmp_path, *(f"train/cat/{name}" for name in junk), "train/.ipynb_checkpoints/1.jpg")
    grown(tmp_path, "train/cat/.cache/1.jpg", "__MACOSX/cat/1.jpg")
    grown(tmp_path, "train/cat/1", "train/cat/2.JPG", "train/dog/3.heic", "train/labels.csv")
    assert set(labels(tmp_path)) == {"train/cat/1", "train/cat/2.JPG", "train/dog/3.heic"}


def test_class_folders_may_stand_alone_or_beside_a_test_set_of_the_same_classes(
    tmp_path: Path,
) -> None:
    grown(tmp_path, "cat/1.jpg", "dog/1.jpg", "test/cat/9.jpg", "LICENSE")
    assert set(labels(tmp_path).values()) == {"cat", "dog"}
    assert open_tree(tmp_path).test_rows()["id"].tolist() == ["test/cat/9.jpg"]


def test_one_folder_around_everything_is_looked_into(tmp_path: Path) -> None:
    grown(tmp_path, "pets/train/cat/1.jpg", "pets/train/dog/1.jpg", "pets/test/cat/2.jpg")
    assert set(labels(tmp_path)) == {"train/cat/1.jpg", "train/dog/1.jpg"}
    assert open_tree(tmp_path).test_rows()["label"].tolist() == ["cat"]


def test_train_may_be_a_class_among_others_and_this_is_said(tmp_path: Path) -> None:
    grown(tmp_path, "bus/1.jpg", "train/1.jpg", "tram/1.jpg")
    assert set(labels(tmp_path).values()) == {"bus", "train", "tram"}
    assert "train is taken for a class like bus, tram, for it has no class folders" in said(
        tmp_path
    )


@pytest.mark.parametrize("name", ["val", "valid", "validation", "Val"])
def test_without_a_test_folder_the_validation_folder_is_the_test_set(
    name: str, tmp_path: Path
) -> None:
    grown(tmp_path, "train/cat/1.jpg", "train/dog/1.jpg", f"{name}/dog/7.jpg")
    tree = open_tree(tmp_path)
    rows = tree.test_rows()
    assert rows[["id", "label"]].values.tolist() == [[f"{name}/dog/7.jpg", "dog"]]
    assert "is taken for the test set" in "".join(tree.remarks())


def test_a_validation_folder_beside_a_test_folder_is_told_of(tmp_path: Path) -> None:
    grown(tmp_path, "train/cat/1.jpg", "train/dog/1.jpg", "val/dog/7.jpg", "test/8.jpg")
    tree = open_tree(tmp_path)
    assert tree.test_rows()["id"].tolist() == ["test/8.jpg"]
    assert "val is not used" in "".join(tree.remarks())


def test_an_empty_class_is_told_and_left_out(tmp_path: Path) -> None:
    grown(tmp_path, "train/cat/1.jpg", "train/dog/1.jpg", "train/emu/", "train/fox/a.txt")
    tree = open_tree(tmp_path)
    assert "no images in emu, fox" in "".join(tree.remarks())
    assert set(tree.train_rows()["label"]) == {"cat", "dog"}


@pytest.mark.parametrize("names", [["test/"], ["test/cat/", "test/dog/"], []])
def test_an_empty_test_folder_is_no_test_set(names: list[str], tmp_path: Path) -> None:
    grown(tmp_path, "train/cat/1.jpg", "train/dog/1.jpg", *names)
    assert open_tree(tmp_path).test_rows().empty


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["1.jpg"], "holds no class folders: put the images of every class"),
        (["train/cat/1.jpg"], "has images of 1 class, and two are the least"),
        (["cat/1.jpg", "dog/"], "has images of 1 class, and two"),
        (["train/cat/", "train/dog/"], "has images of 0 classes"),
        (["test/cat/1.jpg", "test/dog/1.jpg"], "the folders test, which are called as parts"),
        (
            ["train/cat/1.jpg", "train/dog/1.jpg", "train/2.jpg"],
            "train has 1 images outside its class folders .2.jpg.",
        ),
        (
            ["train/cat/1.jpg", "train/dog/1.jpg", "test/cat/3.jpg", "test/emu/2.jpg"],
            "has the folders emu, which .*train has not: rename",
        ),
        (
            ["train/cat/1.jpg", "train/dog/1.jpg", "test/cat/3.jpg", "test/2.jpg"],
            "test has 1 images outside its class folders",
        ),
    ],
)
def test_what_is_no_such_data_set_is_told_in_a_sentence(
    names: list[str], words: str, tmp_path: Path
) -> None:
    grown(tmp_path, *names)
    with pytest.raises(ValueError, match=words):
        tree = open_tree(tmp_path)
        tree.train_rows()
        tree.test_rows()


def test_a_link_to_a_folder_that_is_read_already_is_not_followed_and_said(tmp_path: Path) -> None:
    grown(tmp_path, "train/cat/1.jpg", "train/dog/1.jpg", "train/dog/more/2.jpg", "test/3.jpg")
    (tmp_path / "train/cat/up").symlink_to("..")
    (tmp_path / "train/up").symlink_to("..")
    (tmp_path / "train/dog/again").symlink_to("more")
    (tmp_path / "test/here").symlink_to(".")
    ids = {"train/cat/1.jpg", "train/dog/1.jpg", "train/dog/more/2.jpg"}
    assert set(labels(tmp_path)) == ids
    assert open_tree(tmp_path).test_rows()["id"].tolist() == ["test/3.jpg"]
    for link in ("train/cat/up", "train/up", "train/dog/again", "test/here"):
        assert str(tmp_path / link) in said(tmp_path)
