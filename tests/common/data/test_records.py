"""JSON of records and COCO's to rows of text, a second table joined, a row for each image and column."""

import json
from pathlib import Path

import pytest

from common.data.csv_layout import labelled_rows, long_rows, unlabelled_rows, write_csv
from common.data.long_ids import long_ids
from common.data.records import read_table
from common.errors import KitError


def coco(path: Path, *categories: tuple[int, int]) -> Path:
    images = [{"id": n, "file_name": f"{n}.jpg", "location": n // 2, "tags": [1]} for n in range(3)]
    marks = [{"id": at, "image_id": n, "category_id": c} for at, (n, c) in enumerate(categories)]
    path.write_text(json.dumps({"images": images, "annotations": marks}))
    return path


def test_images_of_coco_have_what_their_annotations_tell(tmp_path: Path) -> None:
    rows = read_table(coco(tmp_path / "x.json", (0, 7), (1, 8), (1, 8)))
    assert [*rows] == ["id", "file_name", "location", "category_id"]
    assert rows["category_id"].tolist() == ["7", "8", ""]
    table = labelled_rows(
        tmp_path / "x.json", "t/{id}", id="file_name", label="category_id", group="location"
    )
    assert [*table] == ["id", "path", "label", "group"]
    assert table["path"].tolist()[0] == str(tmp_path / "t/0.jpg")


def test_an_image_of_two_categories_is_refused_by_its_id(tmp_path: Path) -> None:
    with pytest.raises(KitError, match=r"1 image of several categories \(1\)"):
        read_table(coco(tmp_path / "x.json", (1, 8), (1, 9)))


@pytest.mark.parametrize("text", ["{", "[]", "[1]", '{"a": 1}'])
def test_other_json_is_no_table(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(KitError, match=r"x\.json is (no list|not a readable)"):
        read_table(tmp_path / "x.json")


def test_json_that_was_written_is_read_back(tmp_path: Path) -> None:
    columns = {"file_name": ["0.jpg", "1.jpg"], "category_id": ["7", "8"]}
    write_csv(tmp_path / "new/x.json", columns)
    rows = read_table(tmp_path / "new/x.json", columns=["file_name"])
    assert rows[["file_name", "category_id"]].to_dict("list") == columns
    with pytest.raises(KitError, match="has no label, only id, file_name, category_id"):
        read_table(tmp_path / "new/x.json", columns=["label"])


def test_a_second_table_is_joined_by_the_columns_both_have(tmp_path: Path) -> None:
    one, other = tmp_path / "a.csv", tmp_path / "b.csv"
    write_csv(one, {"id": ["1", "2", "3"], "key": ["x", "y", "x"]})
    write_csv(other, {"key": ["y", "x", "z"], "label": ["dog", "cat", "cow"]})
    assert labelled_rows(one, "{id}.jpg", beside=other)["label"].tolist() == ["cat", "dog", "cat"]
    write_csv(other, {"key": ["x", "x"], "label": ["cat", "dog"]})
    with pytest.raises(KitError, match="has no row for y of"):
        labelled_rows(one, "{id}.jpg", beside=other)
    write_csv(other, {"key": ["x", "x", "y"], "label": ["cat", "dog", "cow"]})
    with pytest.raises(KitError, match="has several rows for x of"):
        labelled_rows(one, "{id}.jpg", beside=other)
    write_csv(other, {"other": ["x"], "label": ["cat"]})
    with pytest.raises(KitError, match="share no column to be joined by"):
        labelled_rows(one, "{id}.jpg", beside=other)


def test_a_row_for_each_image_and_column_becomes_a_row_an_image(tmp_path: Path) -> None:
    long, names, file = "{id}_{name}", ("any", "not_any"), tmp_path / "x.csv"
    ids = long_ids(["b_1", "a"], long, names)
    write_csv(file, {"ID": ids[::-1], "Label": ["0", "1", "2", "3"], "group": ["q", "q", "p", "p"]})
    rows = long_rows(file, "{id}.jpg", long, names, id="ID", label="Label", group="group")
    assert rows.drop(columns="path").to_dict("list") == {
        "id": ["a", "b_1"], "any": ["1", "3"], "not_any": ["0", "2"], "group": ["q", "p"],
    }  # fmt: skip
    tests = unlabelled_rows(file, "{id}.jpg", id="ID", long=long, columns=names)
    assert sorted(tests["id"]) == ["a", "b_1"]
    named = {"id": "ID", "label": "Label"}
    write_csv(file, {"ID": [*ids, ids[1]], "Label": ["0", "1", "2", "3", "1"]})
    assert long_rows(file, "{id}.jpg", long, names, **named)["any"].tolist() == ["0", "2"]
    for wrong, said in (
        (ids[1:], "has no row for b_1_any: write"),
        ([*ids, ids[1]], "has several rows, which differ, for b_1_not_any: write"),
        ([*ids, "a_none"], "has an id of none of these, a_none: write"),
    ):
        write_csv(file, {"ID": wrong, "Label": [str(n) for n in range(len(wrong))]})
        with pytest.raises(KitError, match=said):
            long_rows(file, "{id}.jpg", long, names, **named)
