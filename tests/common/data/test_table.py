"""The contract of tables, and CSV files read as text."""

import gzip
from pathlib import Path

import pandas as pd
import pytest

from common.data.table import check_table, read_csv


def rows(ids: list[object], labels: list[object] | None = None) -> pd.DataFrame:
    table = pd.DataFrame({"id": ids, "path": [f"train/{i}.png" for i in range(len(ids))]})
    return table if labels is None else table.assign(label=labels)


def test_ids_that_look_like_numbers_stay_text(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("id,label\n12e4567,007\n007,NA\n1.0,\nnull,1e5\n")
    table = read_csv(file)
    assert table["id"].tolist() == ["12e4567", "007", "1.0", "null"]
    assert table["label"].tolist() == ["007", "NA", "", "1e5"]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_bytes("id,label\né,b\n".encode("utf-8-sig"))
    assert read_csv(file, columns=("id", "label")).to_dict("list") == {"id": ["é"], "label": ["b"]}


def test_a_compressed_csv_is_read_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "sample.csv.gz"
    file.write_bytes(gzip.compress(b"id\n007\n"))
    assert read_csv(file)["id"].tolist() == ["007"]


def test_a_missing_column_names_the_nearest_one(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("id,lable\na,b\n")
    with pytest.raises(ValueError, match=r"labels\.csv has no column 'label'.*mean 'lable'"):
        read_csv(file, columns=("id", "label"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "there is no file .*labels.csv: check its name"),
        (b"", "labels.csv is empty"),
        (b"id,label\n", "labels.csv has a header but no rows"),
        (b"id,label\na,b,c\n", "rows with more values than its header"),
        (b"id,label\na,b\nc,d,e\n", "not a readable CSV file .*line 3"),
        (b"\xff\xfe\x00id\n", "is not UTF-8 text"),
        (b"id,label \na,b\n", "has space around its column 'label '"),
    ],
)
def test_an_unusable_csv_gives_one_sentence(
    tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    file = tmp_path / "labels.csv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ValueError, match=sentence):
        read_csv(file)


def test_a_good_table_comes_back_in_order_and_numbered_from_zero() -> None:
    table = rows(["a", "b", "c"], ["x", "y", "x"])[["label", "path", "id"]].iloc[[2, 0]]
    checked = check_table(table, source="the training set", answers=["label"], named=True)
    assert checked.columns.tolist() == ["id", "path", "label"]
    assert checked.index.tolist() == [0, 1]
    assert checked["id"].tolist() == ["c", "a"]


def test_a_class_with_one_row_is_no_error() -> None:
    check_table(
        rows(["a", "b"], ["x", "y"]), source="the training set", answers=["label"], named=True
    )


def test_text_of_any_pandas_kind_is_text() -> None:
    for dtype in (object, "str", "string"):
        table = rows(["007"], ["x"]).astype(dict.fromkeys(("id", "label"), dtype))
        assert check_table(table, source="train", answers=["label"], named=True)["id"].tolist() == [
            "007"
        ]


def test_paths_may_be_path_objects_and_need_not_exist() -> None:
    table = pd.DataFrame({"id": ["a"], "path": [Path("nowhere/a.png")]})
    assert len(check_table(table, source="the test set")) == 1


@pytest.mark.parametrize(
    ("table", "labelled", "sentence"),
    [
        (rows([]), False, "^the set is empty: "),
        (rows([1, 2]), False, r"2 ids not of text \(1, 2\)"),
        (rows(["a", ""]), False, r"1 empty id \(row 1\)"),
        (rows(["a", None]), False, r"1 empty id \(row 1\)"),
        (rows(["a", "b", "a", "a", "b"]), False, r"2 ids on more than one row \(a, b\)"),
        (rows(["a"]), True, "has the columns id, path where id, path, label are needed"),
        (rows(["a"], ["x"]), False, "has the columns id, path, label where id, path are needed"),
        (rows(["a", "b"], ["x", float("nan")]), True, r"1 empty label \(row b\)"),
        (rows(["a", "b"], ["x", " "]), True, r"1 empty label \(row b\)"),
        (rows(["a", "b"], [0, 1]), True, "2 labels not of text"),
        (rows(["a"]).assign(path=""), False, r"1 row without a path \(a\)"),
    ],
)
def test_a_wrong_table_is_refused_in_one_sentence(
    table: pd.DataFrame, labelled: bool, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        check_table(table, source="the set", answers=["label"] if labelled else (), named=labelled)


def test_many_offenders_are_counted_not_listed() -> None:
    with pytest.raises(ValueError, match=r"\(i0, i1, i2, i3, i4 and 15 more\)"):
        check_table(rows([f"i{n}" for n in range(20)] * 2), source="the test set")


def test_semicolons_are_named_where_a_column_is_missing(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("id;label\na;b\n")
    with pytest.raises(ValueError, match="separated by semicolons"):
        read_csv(tmp_path / "labels.csv", columns=("id", "label"))
