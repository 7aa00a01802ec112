"""Rows of a training table that are of the sample's images: left out, or told."""

from pathlib import Path

import pandas as pd
import pytest
from toy_conclusions import found
from toy_layouts import TEST, TRAIN, both, csv, draw, some

from common.scaffold.writing.template import Called, facts_source
from common.scaffold.writing.trial import check_reads

IDS = [*TRAIN, *TEST]


def one_table(folder: Path, labels: list[object]) -> dict[str, str]:
    """One folder and one table for both sets; the sample has the last four rows."""
    draw(folder, *(f"images/{name}.jpg" for name in IDS))
    csv(folder, "all.csv", id=IDS, label=labels)
    csv(folder, "sample_submission.csv", id=TEST, label=some("x", count=4))
    return {"metric": "accuracy"}


@pytest.mark.parametrize("rows", [12, 3])
def test_rows_without_answers_that_the_sample_has_are_left_out(rows: int, tmp_path: Path) -> None:
    words = one_table(tmp_path, [*some("x", "y"), *some("", count=4)])
    table = pd.read_csv(tmp_path / "all.csv", dtype=str)
    table[12 - rows :].to_csv(tmp_path / "all.csv", index=False)
    facts, result = found(tmp_path, **words)
    assert len(facts.training.rows) == rows
    assert "4 rows of all.csv without answers are the sample's: left out" in str(result["evidence"])
    source = facts_source(Called(name="toy", slug="toy", title="Toy"), facts)
    assert 'rows[~rows["path"].isin(read_test(folder)["path"])]' in source


@pytest.mark.parametrize("word", ["-1", "?", "unknown", "0.5"])
def test_an_answer_that_the_samples_rows_have_and_no_others_is_a_placeholder(
    word: str, tmp_path: Path
) -> None:
    words = one_table(tmp_path, [*some("1", "2"), *some(word, count=4)])
    facts, result = found(tmp_path, **words)
    assert (len(facts.training.rows), result["classes"]) == (12, ["1", "2"])
    told = f"4 rows of all.csv with {word!r} as no other row has it are the sample's: left out"
    assert told in str(result["evidence"]).replace('"', "").replace("\\", "")
    assert f"whether {word!r} is a placeholder" in str(result["unknown"])
    source = facts_source(Called(name="toy", slug="toy", title="Toy"), facts)
    assert 'rows[~rows["path"].isin(read_test(folder)["path"])]' in source


@pytest.mark.parametrize(
    "labels",
    [
        [*some("1", "2"), *some("1", count=4)],
        [*some("1", "2", count=11), "3", *some("3", count=4)],
        [*some("1", "2"), *some("3", "4", count=4)],
    ],
)
def test_answers_that_other_rows_have_too_or_that_differ_are_no_placeholders(
    labels: list[object], tmp_path: Path
) -> None:
    facts, result = found(tmp_path, **one_table(tmp_path, labels))
    assert len(facts.training.rows) == 16
    assert "whether 4 labelled rows of all.csv that the sample has, too" in str(result["unknown"])


def test_labelled_rows_that_the_sample_has_are_counted(tmp_path: Path) -> None:
    _, result = found(tmp_path, **one_table(tmp_path, some("x", "y", count=16)))
    assert (
        "whether 4 labelled rows of all.csv that the sample has, too, (b00e0, b01e1, b02e2 "
        in str(result["unknown"])
    )


def test_ids_that_both_sets_use_for_different_images_are_no_test_rows(tmp_path: Path) -> None:
    draw(tmp_path, *(f"{place}/{name}.jpg" for place in ("train", "test") for name in TRAIN))
    csv(tmp_path, "train.csv", id=TRAIN, label=some("x", "y"))
    csv(tmp_path, "sample_submission.csv", id=TRAIN, label=some("x"))
    facts, result = found(tmp_path, metric="accuracy")
    assert (facts.training.images, result["unknown"]) == ("train/{id}.jpg", [])


@pytest.mark.parametrize("word", ["", "-1"])
def test_the_samples_rows_may_have_images_in_a_folder_of_their_own(
    word: str, tmp_path: Path
) -> None:
    both(tmp_path, "train/{}.jpg", "test/{}.jpg")
    csv(tmp_path, "all.csv", id=IDS, label=[*some("1", "2"), *some(word, count=4)])
    csv(tmp_path, "sample_submission.csv", id=TEST, label=some("1", count=4))
    facts, result = found(tmp_path, metric="accuracy")
    assert (len(facts.training.rows), len(result["unknown"])) == (12, int(word != ""))
    check_reads(Called(name="toy", slug="toy", title="Toy"), facts, tmp_path)


def test_one_of_two_answers_is_no_placeholder(tmp_path: Path) -> None:
    words = one_table(tmp_path, [*some("cat"), *some("dog", count=4)])
    csv(tmp_path, "sample_submission.csv", id=TEST, label=some("cat", count=4))
    facts, result = found(tmp_path, **words)
    assert (len(facts.training.rows), result["classes"]) == (16, ["cat", "dog"])
    assert "they are trained on" in str(result["unknown"])
