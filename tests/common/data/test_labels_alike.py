"""Labels written in two ways, names that no table can hold, rows too few to split: each a sentence."""

import os
from pathlib import Path

import pandas as pd
import pytest
from toy_files import content, zipped

from common.data.archives.open_data import open_folder
from common.data.folds import assign_folds
from common.data.table import check_table
from common.recipe import Recipe
from common.targets.classes import alike, classes_of, label_remarks
from common.workflow.files import data_root


def test_classes_that_differ_in_case_or_the_writing_of_a_number_are_told() -> None:
    assert alike(["Cat", "cat", "CAT", "dog"]) == [["CAT", "Cat", "cat"]]
    assert alike(["0", "0.0", "00", "1", "10"]) == [["0", "0.0", "00"]]
    sample = pd.DataFrame({"id": ["1"], "label": ["0"]})
    assert (
        "have '0.0' where the sample submission has '0'" in label_remarks(["0.0", "1.0"], sample)[0]
    )
    assert label_remarks(["0", "1"], sample) == []
    columns = pd.DataFrame(columns=["id", "0", "1"])
    with pytest.raises(ValueError, match=r"no label is a column of s.csv: .*'0.0'.*'0'"):
        classes_of(columns, pd.Series(["0.0", "1.0"]), Path("s.csv"))


@pytest.mark.parametrize(
    ("name", "words"),
    [(b"caf\xe9.png", r"not UTF-8 \('caf\\xe9.png'\)"), (b"a\nb.png", "a line break or another")],
)
def test_a_name_that_no_table_can_hold_is_told_with_its_bytes(
    tmp_path: Path, name: bytes, words: str
) -> None:
    path = os.fsencode(tmp_path) + b"/" + name
    Path(os.fsdecode(path)).touch()
    table = pd.DataFrame({"id": [os.fsdecode(name)], "path": [os.fsdecode(path)]})
    with pytest.raises(ValueError, match=words):
        check_table(table, source="the test set")


def test_two_rows_and_one_hold_out_are_told_in_one_right_sentence() -> None:
    labels, groups = pd.Series(["a", "b"]), pd.Series(["1", "2"])
    for folds in (1, 5):
        with pytest.raises(
            ValueError, match=r"2 separate rows .* too few to hold one out: folds=0"
        ):
            assign_folds(labels, groups, Recipe(folds=folds))
    labels, groups = pd.Series(["a", "b", "a"]), pd.Series(["1", "2", "3"])
    with pytest.raises(ValueError, match=r"3 separate rows .* holdout=0.2 .* say holdout=0.34"):
        assign_folds(labels, groups, Recipe(folds=1))
    with pytest.raises(ValueError, match="lower folds= to 3 or less"):
        assign_folds(labels, groups, Recipe(folds=5))
    assert sorted(assign_folds(labels, groups, Recipe(folds=1, holdout=0.34))[0]) == [-1, -1, 0]


def test_a_zip_made_on_windows_and_a_folder_around_the_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    zipped(tmp_path / "data/a.zip", {"top\\train\\1.png": b"one", "top\\s.csv": b"id\n"})
    folder = open_folder(tmp_path / "data", tmp_path / "cache")
    assert content(folder) == {"top/train/1.png": b"one", "top/s.csv": b"id\n"}
    assert data_root(folder, "s.csv") == folder / "top"
    zipped(tmp_path / "data/a.zip", {"top\\..\\..\\1.png": b"one"})
    with pytest.raises(ValueError, match="outside its folder"):
        open_folder(tmp_path / "data", tmp_path / "cache")
