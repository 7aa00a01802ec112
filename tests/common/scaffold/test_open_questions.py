"""What the files do not tell is asked in one sentence, with the option that answers it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from toy_conclusions import asked, found, pairs
from toy_layouts import TEST, TRAIN, Words, both, cactus, csv, draw, ids, some
from toy_more_layouts import planet

from common.scaffold.conclusions import Answers, conclude
from common.scaffold.notes import OpenQuestionError


def test_without_a_metric_those_that_fit_are_named(tmp_path: Path) -> None:
    cactus(tmp_path)
    said = asked(tmp_path)
    assert said.startswith(
        "the files do not tell the metric: name it (--metric NAME); the sample fits auc, "
    )
    assert ", log_loss, " in said
    assert "accuracy" not in said  # the sample has 0.5
    assert "--metric qwk does not fit the sample, as these do: auc, balanced_log_loss" in asked(
        tmp_path, metric="qwk"
    )
    with pytest.raises(OpenQuestionError) as raised:
        conclude(tmp_path, Answers())
    assert raised.value.result["metrics"][:2] == ["auc", "balanced_log_loss"]
    assert raised.value.result["kind"] == "yes-no"


def test_without_a_sample_the_tables_are_named_of_which_one_may_be_it(tmp_path: Path) -> None:
    words = cactus(tmp_path)
    (tmp_path / "sample_submission.csv").rename(tmp_path / "benchmark.csv")
    assert "name it (--sample FILE; there are benchmark.csv, train.csv)" in asked(tmp_path, **words)
    with pytest.raises(OpenQuestionError) as raised:
        conclude(tmp_path, Answers())
    assert raised.value.result["evidence"][0].startswith("16 images (test/ 4, train/ 12); tables: ")
    assert found(tmp_path, sample="benchmark.csv", **words)[0].sample.name == "benchmark.csv"
    shutil.copy(tmp_path / "benchmark.csv", tmp_path / "sample_submission_v1.csv")
    shutil.copy(tmp_path / "benchmark.csv", tmp_path / "sample_submission_v2.csv")
    assert "sample_submission_v1.csv, sample_submission_v2.csv may each be" in asked(
        tmp_path, **words
    )


def test_without_labels_what_was_looked_at_is_named(tmp_path: Path) -> None:
    words = cactus(tmp_path)
    (tmp_path / "train.csv").unlink()
    assert "no labels were found: there is no table of training images beside" in asked(
        tmp_path, **words
    )


def test_without_images_the_files_there_are_told(tmp_path: Path) -> None:
    words = cactus(tmp_path)
    shutil.rmtree(tmp_path / "train")
    shutil.rmtree(tmp_path / "test")
    assert "there is no image in" in asked(tmp_path, **words)
    assert "2 .csv" in asked(tmp_path, **words)


def test_without_test_images_their_place_is_a_guess_that_is_told(tmp_path: Path) -> None:
    words = cactus(tmp_path)
    shutil.rmtree(tmp_path / "test")
    facts, result = found(tmp_path, **words)
    assert facts.sample.images == "test/{id}"
    assert "where the test images lie: none is called as an id" in str(result["unknown"])


def test_ids_without_an_image_are_counted(tmp_path: Path) -> None:
    words = cactus(tmp_path)
    for path in sorted((tmp_path / "train").iterdir())[:3]:
        path.unlink()
    assert found(tmp_path, **words)[1]["unknown"] == ["3 ids of train.csv without an image"]


def test_images_and_tables_of_which_nothing_is_used_are_told(tmp_path: Path) -> None:
    words = cactus(tmp_path)
    assert "left out" not in str(found(tmp_path, **words)[1]["evidence"])
    draw(tmp_path, "train/more.jpg", "test/more.jpg", "masks/1.jpg")
    csv(tmp_path, "boxes.csv", box=[1, 1], kind=["a", "a"])
    assert found(tmp_path, **words)[1]["evidence"][-2:] == [
        "left out: 3 images (masks/1.jpg, test/more.jpg and 1 more), of no row",
        "left out: the tables boxes.csv",
    ]


def test_two_columns_that_name_different_images_are_asked_about(tmp_path: Path) -> None:
    words = pairs(tmp_path, mask=[f"m{n}.jpg" for n in range(12)], label=some(0, 1))
    draw(tmp_path, *(f"train/m{n}.jpg" for n in range(12)))
    (tmp_path / "sample_submission.csv").write_text(
        (tmp_path / "sample_submission.csv").read_text().replace("id,", "name,")
    )
    assert "id and mask of train.csv each name an image a row, and not the same" in asked(
        tmp_path, **words
    )
    assert found(tmp_path, id="id", **words)[0].training.images == "train/{id}.jpg"
    assert found(tmp_path, id="mask", **words)[0].training.images == "train/{id}"
    assert "--id label: no image is called as" in asked(tmp_path, id="label", **words)


def test_two_columns_that_name_the_same_images_are_told(tmp_path: Path) -> None:
    words = cactus(tmp_path)
    csv(tmp_path, "train.csv", key=TRAIN, file=ids(TRAIN, ".jpg"), has_cactus=some(1, 0))
    facts, result = found(tmp_path, **words)
    assert facts.training.id == "key"
    assert "which of key and file of train.csv is the id" in str(result["unknown"])
    assert found(tmp_path, id="file", **words)[1]["unknown"] == []


def test_two_columns_that_may_hold_the_answers_are_asked_about(tmp_path: Path) -> None:
    pairs(tmp_path, "prediction", breed=some("a", "b"), colour=some("x", "y", "z"))
    said = asked(tmp_path, metric="accuracy")
    assert "breed, colour of train.csv may each hold the answers" in said
    assert "(--target COLUMN)" in said
    assert found(tmp_path, metric="accuracy", target="colour")[1]["classes"] == ["x", "y", "z"]


def test_two_tables_that_may_be_the_training_table_are_asked_about(tmp_path: Path) -> None:
    words = cactus(tmp_path)
    shutil.copy(tmp_path / "train.csv", tmp_path / "train_old.csv")
    assert "train.csv, train_old.csv may each be the training table" in asked(tmp_path, **words)
    assert found(tmp_path, train="train_old.csv", **words)[0].training.name == "train_old.csv"


def test_images_of_two_kinds_under_one_name_are_asked_about(tmp_path: Path) -> None:
    planet(tmp_path)
    assert "say which images are meant, as in --images '*.jpg'" in asked(tmp_path)
    assert found(tmp_path, metric="f2_rows", images="*.jpg")[0].sample.images == "test-jpg/{id}.jpg"


def test_images_of_two_folders_under_one_name_are_asked_about(tmp_path: Path) -> None:
    sets = {"train": TRAIN, "test": TEST}
    for size in ("small", "large"):
        draw(tmp_path, *(f"{p}_{size}/{name}.jpg" for p, names in sets.items() for name in names))
    csv(tmp_path, "train.csv", id=TRAIN, label=some("x", "y"))
    csv(tmp_path, "sample_submission.csv", id=TEST, label=some("x", count=4))
    assert "say which images are meant, as in --images '*large*'" in asked(tmp_path)
    facts, _ = found(tmp_path, metric="accuracy", images="*large*")
    assert facts.training.images == "train_large/{id}.jpg"
    for place in ("test_small", "test_large", "train_small", "train_large"):
        shutil.rmtree(tmp_path / place)
    draw(tmp_path, *(f"{place}/{name}.jpg" for place in "AB" for name in (*TRAIN, *TEST)))
    assert "call the folder of the training images train, and that of" in asked(tmp_path)


def test_folders_below_folders_are_asked_about(tmp_path: Path) -> None:
    draw(tmp_path, *(f"train/{'ab'[n % 2]}/{'xyz'[n % 3]}/{t}.jpg" for n, t in enumerate(TRAIN)))
    draw(tmp_path, *(f"test/{name}.jpg" for name in TEST))
    csv(tmp_path, "sample_submission.csv", id=TEST, label=some("x", count=4))
    said = asked(tmp_path, metric="accuracy")
    assert "the folders a, b may be their labels, or x, y, z" in said
    for pattern, classes in (
        ("train/{label}/{id}", ["a", "b"]),
        ("train/**/{label}/{id}", ["x", "y", "z"]),
    ):
        assert f"--images '{pattern}'" in said
        assert found(tmp_path, metric="accuracy", images=pattern)[1]["classes"] == classes


def test_images_nested_three_deep_are_found_by_their_ids(tmp_path: Path) -> None:
    both(tmp_path, "images/{0[0]}/{0[1]}/{0[2]}/{0}.jpg", "images/{0[0]}/{0[1]}/{0[2]}/{0}.jpg")
    csv(tmp_path, "train.csv", id=TRAIN, label=some("x", "y", "z"))
    csv(tmp_path, "sample_submission.csv", id=TEST, label=some("x", count=4))
    assert found(tmp_path, metric="accuracy")[0].training.images == "images/**/{id}.jpg"


def test_a_question_with_json_prints_what_was_concluded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import kit

    monkeypatch.setenv("KIT_CACHE", str(tmp_path / "cache"))
    cactus(tmp_path / "data")
    assert kit.main(["new", "toy-cactus", "--data", str(tmp_path / "data"), "--json"]) == 1
    shown = capsys.readouterr()
    told = json.loads(shown.out)
    assert (told["name"], told["kind"], told["writer"]) == ("toy_cactus", "yes-no", None)
    assert told["unknown"][-1].startswith("the files do not tell the metric")
    assert "kit: the files do not tell the metric" in shown.err
    assert not (kit.HERE / "competitions" / "toy_cactus").exists()


@pytest.mark.parametrize("build", [cactus, planet])
def test_an_archive_is_looked_into(build: Callable[[Path], Words], tmp_path: Path) -> None:
    from common.data.archives.open_data import open_folder

    words = build(tmp_path / "files")
    (tmp_path / "data").mkdir()
    shutil.make_archive(str(tmp_path / "data/all"), "zip", tmp_path / "files")
    plain, _ = found(tmp_path / "files", **words)
    packed, _ = found(open_folder(tmp_path / "data", tmp_path / "cache", packed=True), **words)
    assert (plain.training.images, plain.sample.images) == (
        packed.training.images,
        packed.sample.images,
    )


def test_files_and_images_are_named_by_less_or_more_of_their_paths(tmp_path: Path) -> None:
    planet(tmp_path / "data")
    for place in ("", "data/", f"{tmp_path}/data/"):
        names = {"sample": f"{place}sample_submission_v2.csv", "train": f"{place}train_v2.csv"}
        facts, _ = found(tmp_path, metric="f2_rows", images="data/*-jpg/*", **names)
        assert (facts.sample.name, facts.training.images) == (
            "sample_submission_v2.csv",
            "train-jpg/{id}.jpg",
        )


def test_class_folders_are_the_answers_where_a_table_has_none(tmp_path: Path) -> None:
    classes = some("blast", "normal")
    draw(tmp_path, *(f"train/{c}/{n}.jpg" for c, n in zip(classes, TRAIN, strict=True)))
    draw(tmp_path, *(f"test/{name}.jpg" for name in TEST))
    csv(tmp_path, "more.csv", id=TRAIN, variety=some("a", "b", "c"), age=some(40, 50))
    csv(tmp_path, "sample_submission.csv", id=TEST, label=some("normal", count=4))
    assert found(tmp_path, metric="accuracy")[1]["classes"] == ["blast", "normal"]


@pytest.mark.parametrize("place", ["train{1}", "tr{id}ain", "a}b", "part*", "{x}/train"])
def test_a_folder_whose_name_is_a_patterns_is_refused(place: str, tmp_path: Path) -> None:
    both(tmp_path, place.replace("{", "{{").replace("}", "}}") + "/{}.jpg", "test[1]/{}.jpg")
    csv(tmp_path, "train.csv", id=TRAIN, label=some("x", "y", "z"))
    csv(tmp_path, "sample_submission.csv", id=TEST, label=some("x", count=4))
    said = asked(tmp_path, metric="accuracy")
    assert f"and {place.partition('/')[0]} has a brace or a star in its name" in said
    assert "rename that folder" in said
    (tmp_path / place.partition("/")[0]).rename(tmp_path / "train")
    assert found(tmp_path, metric="accuracy")[0].sample.images == "test[1]/{id}.jpg"


def test_a_link_to_a_folder_above_adds_no_tables(tmp_path: Path) -> None:
    words = cactus(tmp_path)
    (tmp_path / "train" / "loop").symlink_to("..")
    assert found(tmp_path, **words)[0].sample.name == "sample_submission.csv"
