"""Broken files and impossible fields: told in words, before anything trains."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common import submission
from common.targets import Grades
from common.verbs import run, validate


def data(toy: Any) -> Path:
    folder: Path = toy().data
    return folder


def break_missing_image(folder: Path) -> None:
    (folder / "train/07e7.png").unlink()


def break_truncated_png(folder: Path) -> None:
    path = folder / "test/50e7.png"
    path.write_bytes(path.read_bytes()[:-20])


def break_duplicate_id(folder: Path) -> None:
    path = folder / "labels.csv"
    path.write_text(path.read_text() + "00e7,1\n")


def break_empty_test(folder: Path) -> None:
    (folder / "sample_submission.csv").write_text("id,label\n")


def break_missing_label(folder: Path) -> None:
    path = folder / "labels.csv"
    path.write_text(path.read_text().replace("00e7,0", "00e7,"))


def break_column(folder: Path) -> None:
    path = folder / "labels.csv"
    path.write_text(path.read_text().replace("id,label", "id,labels"))


def break_label_outside_the_sample(folder: Path) -> None:
    lines = [f"{n}e7,0.3,0.7" for n in range(48, 60)]
    (folder / "sample_submission.csv").write_text("id,0,1\n" + "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (break_missing_image, "07e7"),
        (break_truncated_png, "50e7"),
        (break_duplicate_id, "00e7"),
        (break_empty_test, "sample_submission.csv has a header but no rows"),
        (break_missing_label, "empty label.*00e7"),
        (break_column, "label.*labels"),
        (break_label_outside_the_sample, "the labels 2 are no column of sample_submission.csv"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_broken_files_are_told_in_words_before_anything_trains(
    toy: Any, broken: Any, words: str
) -> None:
    broken(data(toy))
    with pytest.raises(ValueError, match=words):
        run.run(toy())
    assert not list(toy().runs.glob("digits-*/fold0/log.jsonl"))
    assert not list(toy().runs.glob("digits-*/submission.csv"))


def test_a_byte_order_mark_and_another_order_change_nothing(toy: Any) -> None:
    plain = run.run(toy(folds=1))
    path = data(toy) / "labels.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert run.run(toy(folds=1))["run"] == plain["run"]
    sample = data(toy) / "sample_submission.csv"
    head, *rows = sample.read_text().splitlines()
    sample.write_text("\n".join([head, *rows[::-1]]) + "\n")
    again = run.run(toy(folds=1))
    ids = submission.read_csv(Path(again["submission"]))["id"].tolist()
    assert ids == [row.split(",")[0] for row in rows[::-1]]


def test_a_runs_folder_that_cannot_be_written_is_told(toy: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        ValueError, match=r"cannot (write|make|use)|not a (folder|directory)|Not a directory"
    ):
        run.run(replace(toy(), runs=tmp_path / "file" / "runs"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"backbone": "resnet81"}, "timm has no model of that name"),
        ({"weights": "nowhere.pth"}, "no such file"),
        ({"optimizer": "sdg"}, "timm has none of that name"),
        ({"augment": "photo"}, "needs a size"),
        ({"device": "cuda"}, "this machine has none"),
        ({"folds": 100}, "lower folds="),
    ],
)
def test_fields_that_cannot_work_here_stop_before_training(
    toy: Any, fields: Any, words: str
) -> None:
    import torch

    if fields == {"device": "cuda"} and torch.cuda.is_available():
        pytest.skip("this machine has one")
    with pytest.raises(ValueError, match=words):
        run.run(toy(**fields))
    assert not list(toy().runs.glob("digits-*/fold0/log.jsonl"))


def test_a_test_set_of_another_size_is_told_before_training(toy: Any) -> None:
    import cv2

    for path in (data(toy) / "test").iterdir():
        cv2.imwrite(str(path), np.zeros((12, 12, 3), np.uint8))
    with pytest.raises(ValueError, match="the test set has images of 12x12 pixels"):
        run.run(toy())
    assert not list(toy().runs.glob("digits-*/fold0/log.jsonl"))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"metric": "f1_macro"}, "for class by accuracy, and digits now has class by f1_macro"),
        ({"metric": "qwk", "target": Grades()}, "by accuracy, and digits now has grades by qwk"),
    ],
)
def test_a_run_of_another_metric_or_target_is_not_taken_for_this_one(
    toy: Any, changes: dict[str, Any], told: str
) -> None:
    request = toy(epochs=1)
    before = validate.run(request)
    other = replace(request, competition=replace(request.competition, **changes))
    with pytest.raises(ValueError, match=told):
        validate.run(other)
    assert validate.run(request)["cv"] == before["cv"]
    assert validate.run(replace(other, fresh=True))["metric"] == changes["metric"]
