"""What a user reads where files or options do not fit: which half failed, and what there is."""

from pathlib import Path

import pytest
from toy_conclusions import asked, found, pairs
from toy_layouts import TEST, TRAIN, csv, some


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("train", "--train nix: no table is called so, only sample_submission.csv, train.csv"),
        ("sample", "--sample nix: no table is called so, only sample_submission.csv, train.csv"),
        ("id", "--id nix: no table has such a column, only id, label"),
        ("target", "--target nix: no table has such a column, only id, label"),
        ("yes", "--yes nix: it is none of two labels (the answers are 0 and 1): leave it out"),
    ],
)
def test_what_an_option_names_is_there(option: str, said: str, tmp_path: Path) -> None:
    words = pairs(tmp_path, label=some(0, 1))
    assert asked(tmp_path, **{option: "nix"}, **words) == said


@pytest.mark.parametrize(
    "form", ["{}.JPG", "00{}.jpg", "{}.0", "{} ", "data/other/{}.jpg", "train\\{}.jpg", "{}.png"]
)
def test_ids_that_are_nearly_names_of_images_are_shown_beside_one(
    form: str, tmp_path: Path
) -> None:
    words = pairs(tmp_path, label=some(0, 1))
    csv(tmp_path, "train.csv", id=[form.format(name) for name in TRAIN], label=some(0, 1))
    wanted = f"no column that names images: id is {form.format('a00e0')!r}, and a file is 'train/a00e0.jpg'"
    assert wanted in asked(tmp_path, **words)


def test_the_half_of_a_table_that_failed_is_told(tmp_path: Path) -> None:
    pairs(tmp_path, label=some(0, 1))
    csv(tmp_path, "sample_submission.csv", id=TEST, c_0=some(0.5, count=4), c_1=some(0.5, count=4))
    said = asked(tmp_path, metric="log_loss")
    assert (
        "train.csv names images in id, and none of its other columns (label) has the answers"
        in said
    )
    csv(tmp_path, "train.csv", id=TRAIN, label=[*some("x", "y", count=11), ""])
    csv(tmp_path, "sample_submission.csv", id=TEST, label=some("x", count=4))
    assert "label of train.csv is empty in 1 of 12 rows" in asked(tmp_path, metric="accuracy")
    csv(tmp_path, "train.csv", id=TRAIN, label=some("x"))
    assert "each row of train.csv has the answer 'x'" in asked(tmp_path, metric="accuracy")


@pytest.mark.parametrize(("mark", "word"), [(";", "semicolons"), ("\t", "tabs")])
@pytest.mark.parametrize("name", ["train.csv", "sample_submission.csv"])
def test_a_table_with_another_separator_is_told(
    name: str, mark: str, word: str, tmp_path: Path
) -> None:
    words = pairs(tmp_path, label=some(0, 1))
    text = (tmp_path / name).read_text()
    (tmp_path / name).write_text(text.replace(",", mark))
    said = asked(tmp_path, **words)
    assert f"separated by {word}" in said
    assert "save it with commas" in said


@pytest.mark.parametrize("name", ["train.csv", "sample_submission.csv"])
def test_a_table_that_could_not_be_read_is_why(name: str, tmp_path: Path) -> None:
    words = pairs(tmp_path, label=some(0, 1))
    (tmp_path / name).write_bytes(b"")
    said = asked(tmp_path, **words)
    assert f"{name} was not read: " in said
    assert "is empty: write or download it again" in said


def test_columns_of_classes_for_a_sample_of_their_names_are_no_choice(tmp_path: Path) -> None:
    pairs(tmp_path, "animal", cat=some(1, 0), dog=some(0, 1))
    csv(tmp_path, "sample_submission.csv", id=TEST, animal=some("cat", count=4))
    said = asked(tmp_path, metric="accuracy")
    assert "cat, dog of train.csv are columns of classes" in said
    assert "--target" not in said


def test_a_list_of_the_test_set_is_no_reason(tmp_path: Path) -> None:
    pairs(tmp_path, label=some(0, 1))
    csv(tmp_path, "test.csv", id=TEST, width=some(9, count=4))
    (tmp_path / "train.csv").unlink()
    said = asked(tmp_path, metric="accuracy")
    assert "test.csv" not in said
    assert "there is no table of training images beside" in said


def test_names_of_classes_are_no_faulty_numbers(tmp_path: Path) -> None:
    pairs(tmp_path, label=some("cat", "dog", "cow"))
    csv(tmp_path, "sample_submission.csv", id=TEST, label=some("cat", count=4))
    assert "--metric rmse does not fit the sample, as these do: accuracy" in asked(
        tmp_path, metric="rmse"
    )


def test_numbers_with_commas_are_no_masks(tmp_path: Path) -> None:
    for form in ("{},000", "{},5", "1,{:03}.5"):
        folder = tmp_path / str(len(form))
        pairs(folder, label=[form.format(n) for n in range(1, 13)])
        assert "12 cells that are none" in asked(folder, metric="rmse")


@pytest.mark.parametrize("cell", ["2,000", "inf", "about 3"])
def test_a_cell_that_is_no_number_is_named_where_the_metric_is_of_numbers(
    cell: str, tmp_path: Path
) -> None:
    numbers = [n * 1.5 for n in range(11)]
    pairs(tmp_path, label=[*numbers, cell])
    assert asked(tmp_path, metric="rmse") == (
        f"--metric rmse is of numbers, and label of train.csv has 1 cell that is none ({cell!r} of {TRAIN[11]}): "
        "write them as 1234.5 in a table of your own, and name that (--train FILE)"
    )
    csv(tmp_path, "train.csv", id=TRAIN, label=[*numbers, ""])
    assert found(tmp_path, metric="rmse")[1]["kind"] == "numbers"
