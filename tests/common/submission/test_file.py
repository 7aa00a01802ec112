"""Submission files from elsewhere, told by their content."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from common.submission.file import read_file

ROWS = b"id,label\n01,cat\n02,dog\n"
SAMPLE = pd.DataFrame({"id": ["01", "02"], "label": ["cat", "cat"]})


def zipped(**files: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, data in files.items():
            # a fixed time: test names hold these bytes, and have to be equal in all processes
            archive.writestr(zipfile.ZipInfo(name.replace("0", "/"), (1980, 1, 1, 0, 0, 0)), data)
    return held.getvalue()


def tar() -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("s.csv"))
    return gzip.compress(held.getvalue(), mtime=0)


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("s.xlsx", zipped(xl0workbook=b""), "an Excel workbook (xlsx), and no CSV: save it as"),
        ("s.csv", zipped(xl0workbook=b""), "an Excel workbook (xlsx), and no CSV: save it as"),
        ("s.ods", zipped(mimetype=b""), "an OpenDocument file"),
        ("s.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "an old Excel workbook"),
        ("s.csv", b"PAR1\0\0", "a Parquet file, and no CSV: write it as CSV"),
        ("s.csv", b"%PDF-1.7", "a PDF document"),
        ("s.csv", b"\xef\xbb\xbf\n <!DOCTYPE html>", "an HTML page"),
        ("s.csv", b'{"cells": []}', "is JSON"),
        ("s.csv", zipped(s=ROWS), "a zip archive by its content, and its name says otherwise"),
        ("s.csv", gzip.compress(ROWS, mtime=0), "a gzip file by its content"),
        (
            "s.zip",
            zipped(a=ROWS, b=ROWS),
            "a zip archive of 2 files (a, b), and a submission is one",
        ),
        ("s.zip", zipped(), "a zip archive of 0 files, and"),
        ("s.zip", zipped(s=b"PAR1\0"), "a Parquet file"),
        ("s.zip", zipped(s=ROWS)[:40], "a damaged zip archive"),
        ("s.csv.gz", gzip.compress(ROWS, mtime=0)[:20], "a damaged gzip file"),
        ("s.tar.gz", tar(), "a tar archive within a gz file"),
        ("s.7z", b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        ("s.csv", b"", "is empty (0 bytes)"),
        ("s.csv", b"\n \n", "is empty (3 bytes)"),
        ("s.csv", ROWS.replace(b",", b";"), "separated by semicolons; save it with commas"),
        ("s.csv", ROWS.decode().encode("utf-16"), "not UTF-8 text but UTF-16"),
    ],
)
def test_what_is_no_csv_is_called_what_it_is(
    name: str, data: bytes, told: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ValueError) as refusal:
        read_file(path, SAMPLE)
    assert told in str(refusal.value)
    assert str(refusal.value).startswith(str(path))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "data", "remark"),
    [
        ("s.zip", zipped(s=ROWS, __MACOSX0s=b"x"), "as Kaggle takes it: s in it was read"),
        ("s.csv.gz", gzip.compress(ROWS, mtime=0), "packed by gzip: what is in it was read"),
        ("s.csv", ROWS, None),
        ("s.txt", b"\xef\xbb\xbf" + ROWS, None),
    ],
)
def test_one_packed_csv_is_read_with_a_remark(
    name: str, data: bytes, remark: str | None, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    rows, content, remarks = read_file(path, SAMPLE)
    assert rows["label"].tolist() == ["cat", "dog"]
    assert content.endswith(ROWS)
    assert ["".join(remarks)] == remarks if remark else remarks == []
    assert (remark or "") in "".join(remarks)


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no file .*none\.csv"):
        read_file(tmp_path / "none.csv", SAMPLE)
    with pytest.raises(ValueError, match="is a folder: name the CSV file in it"):
        read_file(tmp_path, SAMPLE)
