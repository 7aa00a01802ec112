"""CSV files with stray quotes, uneven rows and other encodings: read as they are, or refused by line."""

import gzip
import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from common.data.csv_layout import labelled_rows, one_hot_rows
from common.data.table import check_table, read_csv

PLAIN = "".join(f"{number},{['pizza', 'sushi'][number % 2]}\n" for number in range(1, 21))


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "labels.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def with_quote(*places: tuple[int, str]) -> str:
    """`PLAIN` under its header, with the value of some rows (from 1) in other words."""
    lines = PLAIN.splitlines()
    for row, label in places:
        lines[row - 1] = f"{row},{label}"
    return "\n".join(["id,label", *lines, ""])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            with_quote((5, '"pizza'), (20, 'pizza"')),
            r"a line break in 'label' at line 6 \('pizza\\n6,pizza",
        ),
        (
            with_quote((5, '"pizza'), (6, 'pizza"')),
            r"at line 6 \('pizza\\n6,pizza', 2 lines long\)",
        ),
        (
            with_quote((5, '"pizza'), (9, '"pizza"')),
            r"text follows a closing quote in line 10.*opened in line 6",
        ),
        (with_quote((5, '"pizza')), r"a quote opens in line 6, '5,\"pizza', and is not closed"),
        (with_quote((20, '"pizza')), r"a quote opens in line 21, '20,\"pizza', and is not closed"),
        (with_quote((5, '"pizza"s')), r"text follows a closing quote in line 6"),
        (with_quote((5, r'"a \"b\" c"')), r"text follows a closing quote in line 6"),
        ('id,label\n"1,pizza\n2,sushi\n3",pizza\n', r"a line break in 'id' at line 2"),
        ('id,"label\n1,pizza\n2,sushi"\n3,pizza\n', r"a column whose name runs over lines"),
        (
            "id,label\n1,a\n2\n3,b\n",
            r"fewer values than its header has names, 1 for 2 in line 3, '2'\)",
        ),
        ("id,label\n1,a\n2;b\n3,b\n", r"1 for 2 in line 3, '2;b'"),
        ("id,label\n1,a,b\n2,b\n", r"more values than its header has names, 3 for 2 in line 2"),
        ("id,label\n1,a\n\n2,b,c\n3,a,b\n", r"line 4, '2,b,c'; 2 such rows"),
        ("# made by me\nid,label\n1,a\n", r"begins with a comment"),
        ("id,label\n1,a\n# note\n2,b\n", r"1 for 2 in line 3, '# note'"),
        ("id,label,label\n1,a,b\n", r"has the column 'label' twice"),
        (
            "1,pizza\n2,sushi\n3,pizza\n",
            r"the first line looks like a row \(pizza is a value below",
        ),
        ("id\tlabel\n1\ta\n", r"separated by tabs"),
        ("id;label\n1;a\n", r"separated by semicolons"),
        (b"id,label\n1,caf\xe9\n", r"is not UTF-8 text \(byte 0xe9 in line 2\)"),
        ("id,label\n1,a\n".encode("utf-16"), r"not UTF-8 text but UTF-16"),
        (b"id,label\n1,a\n2,\0b\n", r"line 3 holds a NUL byte"),
        (b"\n\n", r"is empty"),
        ('id,label\n1,"' + "x" * 200_000 + "\n", r"a quote opens in line 2"),
    ],
)
def test_a_file_whose_values_may_have_shifted_is_refused_by_its_line(
    content: str | bytes, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=sentence) as refused:
        labelled_rows(written(tmp_path, content), "{id}.jpg")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (
            'id,label\n1,"a, b"\n2,"the ""best"""\n3,""\n',
            [["1", "a, b"], ["2", 'the "best"'], ["3", ""]],
        ),
        ('id,label\n1,5" plate\n2,a"b"\n', [["1", '5" plate'], ["2", 'a"b"']]),
        ("id,label\r1,a\r2,b\r", [["1", "a"], ["2", "b"]]),
        ("id,label\r\n1,a\r\n\r\n2,b", [["1", "a"], ["2", "b"]]),
        (b"\xef\xbb\xbfid,label\n1,\xc3\xa9\n  \n", [["1", "é"]]),
    ],
)
def test_what_is_a_legal_file_is_read_as_it_is(
    content: str | bytes, rows: list[list[str]], tmp_path: Path
) -> None:
    assert read_csv(written(tmp_path, content)).to_numpy().tolist() == rows


def test_a_comment_of_several_lines_is_legal_where_nobody_asks_for_it(tmp_path: Path) -> None:
    path = written(tmp_path, 'id,label,note\n1,a,"one, two\nthree"\n2,b,\n')
    assert read_csv(path, columns=("id", "label"))["note"].tolist() == ["one, two\nthree", ""]
    with pytest.raises(ValueError, match="a line break in 'note' at line 2"):
        read_csv(path)
    path = written(tmp_path, 'id,note,label\n1,"a,pizza\n2,b",sushi\n3,c,pizza\n')
    with pytest.raises(ValueError, match="a line break in 'note' at line 2"):
        read_csv(path, columns=("id", "label"))


def test_a_saved_index_keeps_the_name_that_pandas_gives_it(tmp_path: Path) -> None:
    table = read_csv(written(tmp_path, ",id,label\n0,1,a\n"))
    assert table.columns.tolist() == ["Unnamed: 0", "id", "label"]
    assert table.dtypes.equals(pd.read_csv(tmp_path / "labels.csv", dtype=str).dtypes)


def test_a_compressed_file_is_read_like_the_plain_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"id\n1\n"))
    with zipfile.ZipFile(tmp_path / "a.csv.zip", "w") as archive:
        archive.writestr("a.csv", "id\n1\n")
    for name in ("a.csv.gz", "a.csv.zip"):
        assert read_csv(tmp_path / name)["id"].tolist() == ["1"]
    (tmp_path / "b.csv.gz").write_bytes(b"id\n1\n")
    with pytest.raises(ValueError, match="not a readable CSV file"):
        read_csv(tmp_path / "b.csv.gz")


@pytest.mark.parametrize(
    ("label", "sentence"),
    [
        ("pizza\n6,pizza", r"1 label with a line break in it (row b: 'pizza\n6,pizza')"),
        ("pizza\t", r"1 label with a control character in it (row b: 'pizza\t')"),
        ("pizza\u200b", r"1 label with a control character in it (row b: 'pizza\u200b')"),
        ("pizza ", "labels with space around them ('pizza ')"),
        ("\xa0pizza", r"labels with space around them ('\xa0pizza')"),
    ],
)
def test_a_label_that_only_looks_like_another_is_refused_with_its_row(
    label: str, sentence: str
) -> None:
    table = pd.DataFrame({"id": ["a", "b"], "path": ["a", "b"], "label": ["pizza", label]})
    with pytest.raises(ValueError, match=re.escape(sentence)):
        check_table(table, source="the set", answers=["label"], named=True)
    table = table.assign(id=["a", label], label="pizza")
    with pytest.raises(ValueError, match=r"1 id with|ids with space"):
        check_table(table, source="the set", answers=["label"], named=True)


@pytest.mark.parametrize("cell", ["x", "0.5", "", "2"])
def test_a_one_hot_cell_that_is_neither_0_nor_1_is_named_and_not_read_as_0(
    cell: str, tmp_path: Path
) -> None:
    path = written(tmp_path, f"id,a,b\n1,1,0\n2,1,{cell}\n3,0.0,1.0\n")
    with pytest.raises(
        ValueError, match=rf"column 'b' has 1 value neither 0 nor 1 \(2: '{cell}'\)"
    ):
        one_hot_rows(path, "{id}.png", ["a", "b"])
    path = written(tmp_path, "id,a,b\n1,1,0\n2,0.0,1.0\n")
    assert one_hot_rows(path, "{id}.png", ["a", "b"])["label"].tolist() == ["a", "b"]
