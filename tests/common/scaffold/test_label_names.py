"""Labels in the paths of images: which images are none of training, and what is no label."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from toy_conclusions import asked, found
from toy_layouts import TEST, TRAIN, csv, draw, some

from common.scaffold.writing.template import Called, facts_source


def class_folders(folder: Path, *tests: str) -> dict[str, str]:
    """Two folders of classes beside one of test images, whose name no training folder answers."""
    draw(folder, *(f"{['Cover', 'Stego'][n % 2]}/{name}.jpg" for n, name in enumerate(TRAIN)))
    draw(folder, *(f"Test/{name}.jpg" for name in (*TEST, *tests)))
    csv(
        folder,
        "sample_submission.csv",
        Id=[f"{name}.jpg" for name in TEST],
        Label=some("Cover", count=4),
    )
    return {"metric": "accuracy"}


def test_images_of_the_sample_are_none_of_training(tmp_path: Path) -> None:
    words = class_folders(tmp_path)
    facts, result = found(tmp_path, **words)
    assert result["classes"] == ["Cover", "Stego"]
    assert "4 images that {label}/{id} fits, too, are the sample's" in str(result["evidence"])
    source = facts_source(Called(name="toy", slug="toy", title="Toy"), facts)
    assert 'labelled_images(folder, TRAIN, but=read_test(folder)["path"])' in source


def test_images_beside_the_samples_in_a_test_folder_are_no_class(tmp_path: Path) -> None:
    words = class_folders(tmp_path, "c00", "c01")
    said = asked(tmp_path, **words)
    assert (
        "fits 2 images that lie among the sample's own in Test (Test/c00.jpg, Test/c01.jpg)" in said
    )


def test_images_that_the_user_left_out_are_never_read_in_silence(tmp_path: Path) -> None:
    words = class_folders(tmp_path)
    said = asked(tmp_path, images="[CS]*/*", **words)
    assert "fits 4 images that are not among those you named (Test/b00e0.jpg" in said


def channels(folder: Path, place: str, names: Sequence[str], form: str) -> None:
    for colour in ("red", "green"):
        draw(folder, *(f"{place}/{form.format(name, colour)}.jpg" for name in names))


@pytest.mark.parametrize("form", ["{}_{}", "{}-{}", "{}/{}"])
def test_a_table_whose_rows_are_several_images_is_refused(form: str, tmp_path: Path) -> None:
    channels(tmp_path, "train", TRAIN, form)
    channels(tmp_path, "test", TEST, form)
    csv(tmp_path, "train.csv", Id=TRAIN, Target=some("0 1", "1", "0"))
    csv(tmp_path, "sample_submission.csv", Id=TEST, Predicted=some("0", count=4))
    said = asked(tmp_path, metric="f1_macro")
    shown = f"a00e0: train/{form.format('a00e0', 'green')}.jpg"
    assert f"Id of train.csv is the beginning of several images' names each ({shown}" in said
    assert said.endswith("a row is several images: no target of the kit")


def test_the_same_few_images_of_each_name_are_no_labels(tmp_path: Path) -> None:
    channels(tmp_path, "train", [f"u{name}" for name in TRAIN], "{}_{}")
    draw(tmp_path, *(f"test/{name}.jpg" for name in TEST))
    csv(tmp_path, "sample_submission.csv", Id=TEST, label=some("x", count=4))
    assert "no labels were found" in asked(tmp_path, metric="accuracy")


def test_a_sample_whose_rows_are_several_images_is_refused(tmp_path: Path) -> None:
    draw(tmp_path, *(f"train/{name}.jpg" for name in TRAIN))
    channels(tmp_path, "test", TEST, "{}_{}")
    csv(tmp_path, "train.csv", image=TRAIN, label=some("x", "y"))
    csv(tmp_path, "sample_submission.csv", patient=TEST, label=some("x", count=4))
    said = asked(tmp_path, metric="accuracy")
    assert "patient of sample_submission.csv is the beginning of several images' names each" in said
    keys = {
        "patient": [*TEST, *TEST],
        "image": [f"{n}_{c}" for c in ("red", "green") for n in TEST],
    }
    csv(tmp_path, "test.csv", **keys | {"patient": [f"p{n}" for n in keys["patient"]]})
    csv(
        tmp_path, "sample_submission.csv", patient=[f"p{n}" for n in TEST], label=some("x", count=4)
    )
    said = asked(tmp_path, metric="accuracy")
    assert "test.csv has 8 images for the 4 rows of sample_submission.csv, several for one" in said


def test_a_table_of_the_classes_leaves_class_folders_what_they_are(tmp_path: Path) -> None:
    words = class_folders(tmp_path)
    csv(tmp_path, "classes.csv", name=["Cover", "Stego", "x", "y"], kind=some("a", "b", count=4))
    assert found(tmp_path, **words)[1]["classes"] == ["Cover", "Stego"]
