"""Which columns are groups: by their names and values, the surest first, and what is asked."""

from pathlib import Path

import pytest
from toy_conclusions import asked, found, pairs
from toy_layouts import TEST, TRAIN, csv, draw, some


def test_groups_that_cross_are_asked_about_and_nested_ones_are_not(tmp_path: Path) -> None:
    plates, farms = [f"p{n % 6}" for n in range(12)], [f"s{n // 2}" for n in range(12)]
    words = pairs(tmp_path, plate=plates, farm=farms, label=some(0, 1))
    assert "plate, farm may each be groups" in asked(tmp_path, **words)
    assert found(tmp_path, group="farm", **words)[1]["group_columns"] == ["farm"]
    assert found(tmp_path, group="none", **words)[1]["group_columns"] == []
    assert "--group barn: there is no such column" in asked(tmp_path, group="barn", **words)


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


@pytest.mark.parametrize(
    ("names", "group"),
    [
        (("study", "plate", "age"), "plate"),
        (("PatientID", "animal", "age"), "animal"),
        (("PatientID", "country", "age"), "PatientID"),
    ],
)
def test_of_nested_groups_the_widest_is_used(
    names: tuple[str, str, str], group: str, tmp_path: Path
) -> None:
    inner, outer = [f"a{n // 2}" for n in range(12)], [f"b{min(n // 2, 4)}" for n in range(12)]
    columns = dict(zip(names, (inner, outer, some(5, 6, 7)), strict=True))
    words = pairs(tmp_path, **columns, label=some(0, 1))
    _, result = found(tmp_path, **words)
    assert result["group_columns"] == [group]
    if group != names[0]:
        assert f"folds do not split it, nor {names[0]} in it" in str(result["evidence"])
    else:
        assert f"whether {names[1]} (5 values) is a group" in str(result["unknown"])


def test_columns_of_joined_tables_may_be_groups_and_are_found_when_named(tmp_path: Path) -> None:
    words = pairs(tmp_path, label=some(0, 1))
    animals, farms = some(*"abcde"), [f"f{n // 2}" for n in range(12)]
    csv(tmp_path, "meta.csv", id=TRAIN, animal=animals, sex=some("m", "f"))
    _, result = found(tmp_path, **words)
    assert result["group_columns"] == []
    assert "of meta.csv, whether animal (5 values) is a group" in str(result["unknown"])
    facts, result = found(tmp_path, group="sex", **words)
    assert (result["group_columns"], facts.training.beside) == (["sex"], "meta.csv")
    assert "--group age: there is no such column, only animal, sex" in asked(
        tmp_path, group="age", **words
    )
    csv(tmp_path, "meta.csv", id=TRAIN, animal=animals, farm=farms)
    _, result = found(tmp_path, **words)
    assert result["group_columns"] == ["farm"]
    assert "whether animal (5 values) is a group" in str(result["unknown"])


@pytest.mark.parametrize("given", ["id", "label"])
def test_neither_ids_nor_answers_are_groups(given: str, tmp_path: Path) -> None:
    words = pairs(tmp_path, sex=some("m", "f"), label=some(0, 1))
    said = asked(tmp_path, group=given, **words)
    assert f"--group {given} is the id or an answer" in said
    assert "name another column (sex), or --group none" in said
