"""Cells that are lists of labels, and class names of several words, which are none."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy_conclusions import asked, found, pairs
from toy_layouts import TEST, csv, some

from common.scaffold.lists import mark_of
from common.targets import LabelSet

PLANTS = some(
    *(f"{crop} {state}" for crop in ("tomato", "potato") for state in ("healthy", "blight", "rust"))
)
SCAB = some(
    "healthy",
    "scab frog_eye_leaf_spot complex",
    "complex",
    "rust",
    "frog_eye_leaf_spot",
    "powdery_mildew",
    "scab",
    "scab frog_eye_leaf_spot",
    "frog_eye_leaf_spot complex",
    "rust frog_eye_leaf_spot",
    "powdery_mildew complex",
    "rust complex",
)
PLANET = some(
    "clear primary",
    "clear primary road",
    "agriculture clear primary",
    "haze primary",
    "cloudy",
    "agriculture haze primary road",
    "clear primary water",
    "partly_cloudy primary water",
)


def concluded(folder: Path, labels: list[object], cell: str, metric: str) -> tuple[str, str, str]:
    """The kind, its separator, and what is not known."""
    pairs(folder, label=labels)
    csv(folder, "sample_submission.csv", id=TEST, label=some(cell, count=4))
    facts, result = found(folder, metric=metric)
    return (
        str(result["kind"]),
        str(getattr(facts.kind.target, "separator", "")),
        str(result["unknown"]),
    )


@pytest.mark.parametrize("mark", [", ", ",", "; ", ";", " | ", "|", " and ", " "])
def test_labels_are_read_and_written_with_the_mark_between_them(mark: str, tmp_path: Path) -> None:
    lists = [("Mass", "Edema"), ("Mass",), ("Edema", "Hernia"), ("Hernia",), ("Mass", "Hernia")]
    labels = some(*map(mark.join, lists), "Edema")
    for cell in ("Mass", mark.join(("Hernia", "Mass"))):
        (tmp_path / cell[:6]).mkdir()
        kind, separator, unknown = concluded(tmp_path / cell[:6], labels, cell, "f1_macro")
        assert (kind, separator, unknown) == ("labels", mark, "[]")
    facts, result = found(tmp_path / "Mass", metric="f1_macro")
    assert result["classes"] == ["Edema", "Hernia", "Mass"]
    assert isinstance(facts.fitted, LabelSet)
    assert facts.fitted.read(pd.DataFrame({"label": labels[:1]})).tolist() == [[1, 0, 1]]


@pytest.mark.parametrize("mark", [", ", "; ", "|"])
def test_names_that_hold_blanks_stay_whole_in_lists(mark: str, tmp_path: Path) -> None:
    lists = [("Pleural Thickening", "Mass"), ("Mass",), ("Pleural Thickening",), ("No Finding",)]
    concluded(tmp_path, some(*map(mark.join, lists)), "No Finding", "f1_macro")
    names = found(tmp_path, metric="f1_macro")[1]["classes"]
    assert names == ["Mass", "No Finding", "Pleural Thickening"]


def test_the_samples_own_cells_decide_the_form_of_the_separator(tmp_path: Path) -> None:
    labels = some("a,b", "a", "b,c", "c,a", "b", "c, b")
    kind, separator, _ = concluded(tmp_path, labels, "b, a", "f1_macro")
    assert (kind, separator) == ("labels", ", ")
    facts, _ = found(tmp_path, metric="f1_macro")
    read = facts.fitted.read(pd.DataFrame({"label": ["a,b", "c, b"]}))
    assert np.array_equal(read, [[1, 1, 0], [0, 1, 1]])


@pytest.mark.parametrize(
    "names",
    [
        PLANTS,
        [str(name).capitalize() for name in PLANTS],
        some(
            "Acer rubrum",
            "Acer alba",
            "Quercus rubrum",
            "Quercus alba",
            "Tilia rubrum",
            "Tilia alba",
        ),
        some(
            "healthy tomato",
            "early blight tomato",
            "late blight tomato",
            "healthy potato",
            "early blight potato",
            "late blight potato",
        ),
        some("Mass, benign", "Mass, malignant", "Calc, benign", "Calc, malignant", "Cyst, benign"),
    ],
)
@pytest.mark.parametrize("metric", ["f1_macro", "f1_micro", "accuracy"])
def test_names_of_several_words_are_classes(
    names: list[object], metric: str, tmp_path: Path
) -> None:
    kind, _, unknown = concluded(tmp_path, names, str(names[0]), metric)
    assert kind == "class"
    assert found(tmp_path, metric=metric)[1]["classes"] == sorted({*map(str, names)})
    assert ("is one label or a list: it is read as one label" in unknown) == (metric != "accuracy")


WEATHER = some(
    "clear primary",
    "clear primary road",
    "clear primary road water",
    "haze primary",
    "cloudy",
    "haze primary water",
)


@pytest.mark.parametrize(("labels", "cell"), [(SCAB, "healthy"), (PLANET, "clear primary")])
@pytest.mark.parametrize("metric", ["f1_macro", "f1_micro", "f1_rows", "f2_rows"])
def test_lists_of_words_are_still_sets(
    labels: list[object], cell: str, metric: str, tmp_path: Path
) -> None:
    assert concluded(tmp_path, labels, cell, metric) == ("labels", " ", "[]")


def test_a_sample_of_known_words_in_another_order_shows_lists(tmp_path: Path) -> None:
    assert concluded(tmp_path, PLANTS, "rust tomato", "f1_macro") == ("labels", " ", "[]")


def test_what_may_be_a_list_or_a_name_is_told(tmp_path: Path) -> None:
    bears = some("bear", "polar bear", "brown bear", "rat", "brown rat", "fox", "polar fox")
    kind, _, unknown = concluded(tmp_path, bears, "bear", "f1_macro")
    assert kind == "labels"
    assert (
        "whether 'brown bear' is one label or a list: it is read as a list "
        "(target=OneClass() in the folder reads one label)"
    ) in unknown


def test_lists_of_which_one_is_part_of_another_stay_lists_where_each_word_keeps_its_place(
    tmp_path: Path,
) -> None:
    kind, _, unknown = concluded(tmp_path, WEATHER, "clear primary", "f1_macro")
    assert kind == "labels"
    assert "it is read as a list" in unknown


def test_a_sample_with_another_mark_than_the_training_labels_is_told(tmp_path: Path) -> None:
    pairs(tmp_path, label=some("a|b", "a", "b|c", "c"))
    csv(tmp_path, "sample_submission.csv", id=TEST, label=some("a c", count=4))
    assert asked(tmp_path, metric="f1_macro").startswith(
        "sample_submission.csv has lists as 'a c', and the training labels are separated by '|': write"
    )


def test_a_list_of_labels_that_are_in_no_other_or_twice_in_it_makes_no_names_of_the_rest() -> None:
    names = [f"label{n}" for n in range(9)]
    lists = [f"{a} {b}" for a in names for b in names if a < b]
    assert mark_of(pd.Series([*names, *lists, "rare1 rare2"])) == " "
    assert mark_of(pd.Series([*names, *lists, "label1 label1"])) == " "
    assert mark_of(pd.Series(["Acer rubrum", "Bison bison", "Pica pica", "Acer alba"])) == ""


def test_lists_in_brackets_are_refused(tmp_path: Path) -> None:
    pairs(tmp_path, label=some("['a', 'b']", "['a']", "['b', 'c']"))
    csv(tmp_path, "sample_submission.csv", id=TEST, label=some("['a']", count=4))
    assert "label holds labels in brackets (\"['a', 'b']\"), which" in asked(tmp_path)


def test_single_labels_in_brackets_are_classes(tmp_path: Path) -> None:
    pairs(tmp_path, label=some("[cat]", "[dog]"))
    csv(tmp_path, "sample_submission.csv", id=TEST, label=some("[cat]", count=4))
    assert found(tmp_path, metric="accuracy")[1]["kind"] == "class"


def test_names_of_several_words_are_found_by_a_column_each(tmp_path: Path) -> None:
    pairs(tmp_path, label=PLANTS)
    names = sorted({*map(str, PLANTS)})
    csv(tmp_path, "sample_submission.csv", id=TEST, **{n: some(0.2, count=4) for n in names})
    facts, result = found(tmp_path, metric="log_loss")
    assert (result["kind"], facts.training.answers) == ("class", ("label",))
