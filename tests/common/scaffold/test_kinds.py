"""What the answers are, as their values and the sample tell."""

from pathlib import Path

import pytest
from toy_conclusions import asked, found, pairs
from toy_layouts import TEST, TRAIN, both, csv, dogs_vs_cats, some


def test_the_label_that_a_probability_is_of_is_a_guess_until_it_is_named(tmp_path: Path) -> None:
    words = dogs_vs_cats(tmp_path)
    assert "'dog', the last of cat and dog, is a guess (--yes cat" in str(
        found(tmp_path, **words)[1]["unknown"]
    )
    facts, result = found(tmp_path, yes="cat", **words)
    assert (facts.kind.target.facts()["yes"], result["unknown"]) == ("cat", [])
    assert "--yes bird: the labels are cat and dog" in asked(tmp_path, yes="bird", **words)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (some("16 0", "7 1 2", "5", "1", "18", "0 7", "25 7", "2", "16"), "labels"),
        (some("Acer rubrum", "Acer opalus", "Quercus rubra"), "class"),
        (some("a|b", "a", "b|c", "c"), "labels"),
        (some("yes", "no"), "yes-no"),
        (some("1", "2", "3"), "class"),
    ],
)
def test_a_column_of_texts_is_told_by_its_values(
    values: list[object], kind: str, tmp_path: Path
) -> None:
    pairs(tmp_path, label=values)
    metric = {"labels": "f1_micro", "class": "accuracy", "yes-no": "auc"}[kind]
    assert found(tmp_path, metric=metric)[1]["kind"] == kind


def test_decimals_under_another_name_are_the_answers_where_nothing_else_is(tmp_path: Path) -> None:
    pairs(tmp_path, "prediction", price=[n / 7 for n in range(12)])
    facts, result = found(tmp_path, metric="rmse")
    assert (result["kind"], facts.training.answers) == ("numbers", ("price",))


def test_columns_of_0_and_1_with_other_cells_are_told(tmp_path: Path) -> None:
    both(tmp_path, "train/{}.jpg", "test/{}.jpg")
    csv(tmp_path, "train.csv", id=TRAIN, edema=some(0, 1, -1), mass=some(1, 0, ""))
    csv(tmp_path, "sample_submission.csv", id=TEST, edema=some(0, count=4), mass=some(0, count=4))
    assert "edema, mass hold '', '-1' beside 0 and 1" in asked(tmp_path, metric="mean_column_auc")
