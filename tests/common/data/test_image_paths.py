"""Patterns of paths to images, and images to ids and labels."""

from pathlib import Path

import pandas as pd
import pytest
from toy_folders import grown

from common.data.image_paths import image_names, labelled_images, paths_of, place_of
from common.errors import KitError


def found(folder: Path, pattern: str, *ids: str, **columns: list[str]) -> list[str]:
    rows = pd.DataFrame({"id": list(ids), **columns}, dtype=str)
    return [Path(path).relative_to(folder).as_posix() for path in paths_of(rows, folder, pattern)]


def test_a_pattern_without_wildcards_is_filled_in_and_looks_at_no_file(tmp_path: Path) -> None:
    assert found(tmp_path, "train/{id}.jpg", "1", "a/2") == ["train/1.jpg", "train/a/2.jpg"]
    assert found(tmp_path, "{kind}/{id}", "1.png", kind=["x"]) == ["x/1.png"]
    assert found(tmp_path, "train/{id}.jpg", "{x}") == ["train/{x}.jpg"]


def test_any_folders_and_any_suffix_are_looked_for_below_the_named_folder(tmp_path: Path) -> None:
    grown(tmp_path, "train/a/b/1.jpg", "train/2.png", "test/3.jpg", "train/a/note.txt")
    assert found(tmp_path, "train/**/{id}.*", "1", "2") == ["train/a/b/1.jpg", "train/2.png"]
    assert found(tmp_path, "train/{id}.*", "2", "1") == ["train/2.png", "train/1.jpg"]
    assert found(tmp_path, "train/**/{id}", "b/1.jpg", "3.jpg") == [
        "train/a/b/1.jpg",
        "train/3.jpg",
    ]


def test_two_images_that_a_row_may_mean_are_named(tmp_path: Path) -> None:
    grown(tmp_path, "train/a/1.jpg", "train/b/1.jpg")
    with pytest.raises(KitError, match=r"1 row may mean several images .*a/1\.jpg, .*b/1\.jpg"):
        found(tmp_path, "train/**/{id}.jpg", "1")


def test_an_image_is_written_where_its_pattern_finds_it(tmp_path: Path) -> None:
    row = {"id": "1", "label": "cat"}
    for pattern in ("train/**/{id}.*", "train/{id}.*", "train/**/{id}.jpg"):
        grown(tmp_path / "x", place_of(pattern, row))
        assert found(tmp_path / "x", pattern, "1") == ["train/1.jpg"]
    assert place_of("train/{label}/{id}.png", row) == "train/cat/1.png"


def labels(folder: Path, pattern: str) -> dict[str, str]:
    rows = labelled_images(folder, pattern)
    assert all(Path(path).is_file() for path in rows["path"])
    return dict(zip(rows["id"], rows["label"], strict=True))


def test_labels_are_read_from_folders_and_from_names(tmp_path: Path) -> None:
    grown(tmp_path, "train/cat/1.jpg", "train/big dog/x/2.jpg", "train/README.txt", "test/3.jpg")
    assert labels(tmp_path, "train/{label}/{id}.jpg") == {"1": "cat", "x/2": "big dog"}
    assert labels(tmp_path, "train/**/{label}/{id}") == {"1.jpg": "cat", "2.jpg": "x"}
    grown(tmp_path / "names", "train/cat.7.jpg", "train/dog.8.1.jpg")
    assert labels(tmp_path / "names", "train/{label}.{id}.*") == {"7": "cat", "8.1": "dog"}
    with pytest.raises(KitError, match=r"has no image train/\{label\}_\{id\}\.jpg"):
        labels(tmp_path, "train/{label}_{id}.jpg")


def test_images_that_are_named_are_left_out(tmp_path: Path) -> None:
    grown(tmp_path, "cat/1.jpg", "dog/2.jpg", "Test/3.jpg")
    rows = labelled_images(tmp_path, "{label}/{id}.jpg", but=[f"{tmp_path}/./Test/3.jpg"])
    assert sorted(rows["label"]) == ["cat", "dog"]


def test_ids_that_two_labels_share_carry_the_label(tmp_path: Path) -> None:
    grown(tmp_path, "train/cat.0.jpg", "train/dog.0.jpg", "train/dog.1.jpg")
    pattern = "train/{label}.{id}.jpg"
    assert labels(tmp_path, pattern) == {"cat.0": "cat", "dog.0": "dog", "dog.1": "dog"}
    again = [place_of(pattern, {"id": i, "label": n}) for i, n in labels(tmp_path, pattern).items()]
    grown(tmp_path / "again", *again)
    assert labels(tmp_path / "again", pattern) == labels(tmp_path, pattern)


def test_names_without_a_suffix_are_images_and_tables_are_none(tmp_path: Path) -> None:
    grown(tmp_path, "train/0001", "train/2.PNG", "a.csv", "b.json", "c.dcm", ".hidden/3.jpg")
    assert image_names(tmp_path) == ["train/0001", "train/2.PNG"]
