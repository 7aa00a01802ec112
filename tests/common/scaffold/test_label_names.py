"""Labels in the paths of images: which images are none of training, and what is no label."""

from pathlib import Path

from toy_conclusions import asked, found
from toy_layouts import TEST, TRAIN, csv, draw, some

from common.scaffold.template import Called, facts_source


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
