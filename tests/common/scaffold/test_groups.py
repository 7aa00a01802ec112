"""Which columns are groups: by their names and values, the surest first, and what is asked."""

from pathlib import Path

from toy_conclusions import asked, found, pairs
from toy_layouts import TEST, TRAIN, csv, draw, some


def test_groups_that_cross_are_asked_about_and_nested_ones_are_not(tmp_path: Path) -> None:
    plates, farms = [f"p{n % 6}" for n in range(12)], [f"s{n // 2}" for n in range(12)]
    words = pairs(tmp_path, plate=plates, farm=farms, label=some(0, 1))
    assert "plate, farm may each be groups" in asked(tmp_path, **words)
    assert found(tmp_path, group="farm", **words)[1]["group_columns"] == ["farm"]
    assert found(tmp_path, group="none", **words)[1]["group_columns"] == []
    assert "--group barn: there is no such column" in asked(tmp_path, group="barn", **words)
    studies = [f"{each} {n // 6}" for n, each in enumerate(plates)]
    csv(tmp_path, "train.csv", id=TRAIN, study=studies, plate=plates, label=some(0, 1))
    assert found(tmp_path, **words)[1]["group_columns"] == ["plate"]


def test_a_patient_is_a_group_whatever_else_may_be_one(tmp_path: Path) -> None:
    parts, patients = some("head", "arm", "leg", "back", "foot"), [f"p{n // 2}" for n in range(12)]
    words = pairs(tmp_path, anatom_site=parts, PatientID=patients, label=some(0, 1))
    _, result = found(tmp_path, **words)
    assert result["group_columns"] == ["PatientID"]
    assert result["unknown"] == [
        "whether anatom_site (5 values) is a group that folds must not split (--group COLUMN)"
    ]


def test_few_groups_are_named_and_not_used(tmp_path: Path) -> None:
    words = pairs(tmp_path, state=some("NSW", "Vic"), hospital=some(1, 2, 3), label=some(0, 1))
    _, result = found(tmp_path, **words)
    assert result["group_columns"] == []
    assert "whether state (2 values), hospital (3 values) is a group" in str(result["unknown"])


def test_a_column_with_empty_cells_is_named_and_not_used(tmp_path: Path) -> None:
    patients = ["", *(f"p{n // 2}" for n in range(11))]
    _, result = found(tmp_path, **pairs(tmp_path, patient=patients, label=some(0, 1)))
    assert result["group_columns"] == []
    assert "whether patient (7 values, some empty) is a group" in str(result["unknown"])


def test_ids_of_one_beginning_may_be_a_group(tmp_path: Path) -> None:
    eyes = [f"{n}_{side}" for n in range(6) for side in ("left", "right")]
    draw(tmp_path, *(f"train/{each}.jpg" for each in eyes), *(f"test/{each}.jpg" for each in TEST))
    csv(tmp_path, "train.csv", id=eyes, label=some(0, 1))
    csv(tmp_path, "sample_submission.csv", id=TEST, label=some(0, count=4))
    said = str(found(tmp_path, metric="auc")[1]["unknown"])
    assert "id is {id}_{name} of left, right, and no column names the group" in said
