"""What the answers are, as their values and the sample tell."""

from pathlib import Path

import pytest
from toy_conclusions import asked, found, pairs
from toy_layouts import TEST, TRAIN, both, csv, dogs_vs_cats, humpback, ranzcr, some


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


def test_log_loss_of_labels_is_refused_with_the_rows_that_are_not_one_hot(tmp_path: Path) -> None:
    both(tmp_path, "train/{}.jpg", "test/{}.jpg")
    csv(
        tmp_path,
        "train.csv",
        id=TRAIN,
        cat=[*some(1, 0, count=11), 0],
        dog=[*some(0, 1, count=11), 0],
    )
    csv(tmp_path, "sample_submission.csv", id=TEST, cat=some(0, count=4), dog=some(0, count=4))
    told = asked(tmp_path, metric="log_loss")
    assert f"where each row has one (it has not in 1 row: {TRAIN[-1]}: 0)" in told
    assert "name weighted_log_loss" in told
    assert "name weighted_log_loss" in asked(tmp_path, metric="balanced_log_loss")
    assert found(tmp_path, metric="weighted_log_loss")[1]["kind"] == "labels"


def test_metrics_of_another_number_of_columns_or_weights_are_not_offered(tmp_path: Path) -> None:
    words = ranzcr(tmp_path)
    fits = found(tmp_path, **words)[1]["metrics"]
    assert "mean_column_auc" in str(fits) and not {"auc", "weighted_auc", "log_loss"} & {*fits}
    said = asked(tmp_path, metric="weighted_log_loss:1,2")
    assert "names 2 weights, and there are 11 columns; these do: f1_macro, " in said


def test_several_classes_a_cell_whose_names_hold_spaces_are_told_with_the_way_out(
    tmp_path: Path,
) -> None:
    words = humpback(tmp_path)
    for path in tmp_path.glob("*.csv"):
        path.write_text(path.read_text().replace("w_0ade", "blue whale"))
    said = asked(tmp_path, **words)
    assert (
        "where 'blue whale' would be read as others: write them as the sample does ('blue_whale' or so)"
        in said
    )
