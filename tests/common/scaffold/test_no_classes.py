"""Answers that are none of the kit's: masks, boxes, a text for each image; files that are no tables."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy_conclusions import asked, found, pairs
from toy_layouts import TEST, TRAIN, cactus, csv, draw, some

from common.scaffold.values import is_geometry

RLE = [f"{n * 97 + 1} {n % 5 + 1} {n * 97 + 50} {n % 3 + 1}" for n in range(12)]
SHAPES = "segmentation and detection are no tasks of the kit, which answers for whole images"


@pytest.mark.parametrize(
    "cells",
    [
        RLE,
        ["" if n % 3 else cell for n, cell in enumerate(RLE)],
        [f"1 {n} 2 56 36.5" for n in range(12)],
        some("[0.0, 2.0, 56.0, 36.0]", "[1.0, 2.0, 56.0, 36.0]"),
    ],
)
@pytest.mark.parametrize("metric", ["f1_macro", ""])
def test_masks_and_boxes_are_refused_as_such(
    cells: list[object], metric: str, tmp_path: Path
) -> None:
    pairs(tmp_path, label=cells)
    csv(tmp_path, "sample_submission.csv", id=TEST, label=some("1 1", count=4))
    shown = next(str(cell) for cell in cells if cell)[:30]
    told = f"label of train.csv holds masks or boxes ({shown!r} …): {SHAPES}"
    assert asked(tmp_path, metric=metric) == told
    csv(tmp_path, "train.csv", id=[*TRAIN, *TRAIN], label=[*cells, *cells])
    assert told in asked(tmp_path, metric=metric)


def test_another_text_in_each_row_is_no_class(tmp_path: Path) -> None:
    pairs(tmp_path, label=[f"a leaf, number {n}" for n in range(12)])
    csv(tmp_path, "sample_submission.csv", id=TEST, label=some("a leaf", count=4))
    assert asked(tmp_path, metric="accuracy") == (
        "label of train.csv has another value in each of 12 rows (a leaf, number 0, a leaf, number 1 and 10 "
        "more): classes occur in several rows; name the column of the answers (--target COLUMN)"
    )


def test_numbers_may_each_occur_once(tmp_path: Path) -> None:
    pairs(tmp_path, label=[n * 1.25 for n in range(12)])
    assert found(tmp_path, metric="rmse")[1]["kind"] == "numbers"


def test_a_folder_for_each_image_is_no_class(tmp_path: Path) -> None:
    draw(
        tmp_path, *(f"{a}/{n}/1.jpg" for a, ids in (("train", TRAIN), ("test", TEST)) for n in ids)
    )
    csv(tmp_path, "train.csv", id=TRAIN, label=some("x", "y"))
    csv(tmp_path, "sample_submission.csv", id=TEST, label=some("x", count=4))
    assert asked(tmp_path, metric="accuracy") == (
        "no labels were found: train.csv has no column that names images: id is 'a00e0', and a file is "
        "'train/a00e0/1.jpg'; make them alike"
    )


def test_json_files_that_are_no_tables_are_one_line(tmp_path: Path) -> None:
    words = cactus(tmp_path)
    (tmp_path / "labels.json").write_text(json.dumps({"0": "none", "1": "cactus"}))
    told = "labels.json is no table: neither a list of records nor COCO's images"
    assert told in str(found(tmp_path, **words)[1]["evidence"])
    (tmp_path / "shapes").mkdir()
    for name in TRAIN:
        (tmp_path / f"shapes/{name}.json").write_text("[[[1, 2], [3, 4]]]")
    lines = [line for line in found(tmp_path, **words)[1]["evidence"] if "json" in line]
    assert lines == [
        "labels.json, shapes/a00e0.json and 11 more (13 files) are no tables: neither a "
        "list of records nor COCO's images"
    ]


def test_four_numbers_of_the_same_few_are_labels_and_of_many_a_box() -> None:
    few = pd.Series(["0 2 5 7", "1 2 5 8", "0 3 5 9", "1 3 6 7"] * 20)
    rng = np.random.default_rng(0)
    boxes = pd.Series([" ".join(map(str, row)) for row in rng.integers(0, 640, (2000, 4))])
    assert not is_geometry(few) and is_geometry(boxes)
