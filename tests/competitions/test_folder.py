"""Any folder of classes, from its images to a score on its own test set."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_files import encode

import competitions
from common import submission
from common.data.dataset_layout import CLASSES
from common.recipe import Recipe
from common.storage import read_json
from common.verbs import (
    blend,
    check,
    compare,
    download,
    leaderboard,
    predict,
    run,
    submit,
    tune,
    validate,
)
from common.workflow.request import Request
from kernels.verbs import rehearse

COLOURS = ("blue", "green", "red")


def image(colour: str, seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 120, (8, 8, 3), dtype=np.uint8)
    pixels[..., 2 - COLOURS.index(colour)] += 100
    return encode(pixels)


def write(folder: Path, place: str, count: int, seed: int = 0, *, flat: bool = False) -> None:
    for colour in COLOURS:
        for number in range(count):
            name = f"{colour[0]}{number}.png"
            path = folder / place / (name if flat else f"{colour}/{name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(image(colour, seed + number))


@pytest.fixture
def colours(tmp_path: Path) -> Any:
    """A request for 36 images of three colours, with a test set of 12 in class folders."""
    write(tmp_path / "data", "train", 12)
    write(tmp_path / "data", "test", 4, seed=100)
    recipe = Recipe(folds=2, epochs=12, batch_size=8, lr=0.02, augment="small", device="cpu")
    competition = replace(competitions.load("folder"), recipes={"toy": recipe})
    return Request(
        competition=competition, recipe_name="toy", data=tmp_path / "data", runs=tmp_path / "runs"
    )


def test_a_labelled_test_set_is_scored_and_the_score_kept(colours: Any, capsys: Any) -> None:
    result = run.run(colours)
    rows = submission.read_csv(Path(result["submission"]))
    assert sorted(rows["id"])[0] == "test/blue/b0.png"
    right = (rows["label"] == rows["id"].str.split("/").str[1]).mean()
    assert result["test"] == pytest.approx(right)
    assert result["test"] > 0.8
    assert result["test_n"] == 12
    assert f"test accuracy {right:.4f} (n = 12)" in capsys.readouterr().err
    kept = read_json(Path(result["run"]) / "scores.json")
    assert (kept["test"], kept["test_n"]) == (result["test"], 12)
    again = predict.run(replace(colours, words=("views=mirror",)))
    assert again["run"] == result["run"]
    assert again["test_n"] == 12


@pytest.mark.slow
def test_variants_and_their_blend_are_judged_on_the_test_set_too(colours: Any, capsys: Any) -> None:
    options = compare.Options(("toy", "toy,lr=0.03", "epochs=1"))
    rows = compare.run(colours, options)["variants"]
    assert [row["test_n"] for row in rows] == [12, 12]
    members = [Path(row["runs"][0]) for row in rows]
    result = blend.run(colours, blend.Options(tuple(members)))
    assert result["test_n"] == 12
    right = submission.read_csv(Path(result["submission"]))
    assert result["test"] == pytest.approx(
        (right["label"] == right["id"].str.split("/").str[1]).mean()
    )
    assert f"test accuracy {result['test']:.4f}" in capsys.readouterr().err


@pytest.mark.slow
def test_the_score_of_other_views_is_no_score_of_this_submission(colours: Any) -> None:
    run.run(colours)
    judged = validate.run(replace(colours, words=("views=mirror",)))
    assert "test" not in judged
    assert "test" in validate.run(colours)


def test_an_unlabelled_test_set_gets_a_submission_and_no_score(colours: Any) -> None:
    shutil.rmtree(colours.data / "test")
    write(colours.data, "test", 4, seed=100, flat=True)
    result = run.run(colours)
    ids = submission.read_csv(Path(result["submission"]))["id"]
    assert set(ids) == {f"test/{colour[0]}{n}.png" for colour in COLOURS for n in range(4)}
    assert "test" not in result


def test_without_a_test_set_a_run_validates_and_predict_refuses(colours: Any, capsys: Any) -> None:
    shutil.rmtree(colours.data / "test")
    result = run.run(colours)
    assert result["cv"] > 0.8
    assert "submission" not in result
    assert "has no test set: nothing was predicted" in capsys.readouterr().err
    with pytest.raises(ValueError, match="has no test set: there is nothing to predict"):
        predict.run(colours)
    found = check.run(colours)
    assert (found["train"], found["test"], found["problems"]) == (36, 0, [])


def test_a_validation_folder_is_the_test_set_and_this_is_said(colours: Any, capsys: Any) -> None:
    (colours.data / "test").rename(colours.data / "val")
    assert run.run(colours)["test_n"] == 12
    assert capsys.readouterr().err.count("val is taken for the test set") == 1


def test_a_class_of_the_test_set_that_no_image_shows_stops_before_training(colours: Any) -> None:
    (colours.data / "test/red").rename(colours.data / "test/rouge")
    with pytest.raises(ValueError, match=r"has the folders rouge, which .*train has not"):
        run.run(colours)
    assert not list(colours.runs.glob("*/fold0/log.jsonl"))


def test_check_finds_a_test_image_among_the_training_images(colours: Any) -> None:
    shutil.copy(colours.data / "train/red/r0.png", colours.data / "test/red/r9.png")
    assert any("across train and test" in each for each in check.run(colours)["problems"])


@pytest.mark.parametrize("layout", ["split", pytest.param("bare", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_a_rehearsal_hides_images_under_names_that_tell_nothing(colours: Any, layout: str) -> None:
    if layout == "bare":
        for colour in COLOURS:
            (colours.data / "train" / colour).rename(colours.data / colour)
        (colours.data / "train").rmdir()
    result = rehearse.run(colours, rehearse.Options())
    served = Path(result["rehearsal"]) / "site" / "files"
    assert {path.name for path in (served / "train").iterdir()} == set(COLOURS)
    hidden = list((served / "test").iterdir())
    assert len(hidden) == result["hidden"] == 7
    assert all(path.is_file() and len(path.stem) == 16 for path in hidden)
    assert result["private"] > 0.5
    assert "test" not in result


def test_check_says_the_classes_and_lists_them(colours: Any, capsys: Any) -> None:
    assert check.run(colours)["classes"] == list(COLOURS)
    assert f"{colours.data}: 3 classes (blue, green, red)" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("verb", [validate, predict, compare, rehearse, tune])
def test_every_verb_says_the_classes(verb: Any, colours: Any, capsys: Any) -> None:
    run.run(replace(colours, words=("epochs=1", "folds=1")))
    capsys.readouterr()
    request = replace(colours, words=("epochs=1", "folds=1"))
    own = {
        compare: [compare.Options(("toy", "toy,lr=0.03", "folds=1"))],
        rehearse: [rehearse.Options()],
        tune: [tune.Options(seconds=0.01)],
    }
    verb.run(replace(request, words=()) if verb is compare else request, *own.get(verb, []))
    assert "3 classes (blue, green, red)" in capsys.readouterr().err


@pytest.mark.slow
def test_classes_called_as_parts_are_rehearsed_as_the_file_names_them(colours: Any) -> None:
    for colour, name in zip(COLOURS, ("test", "train", "val"), strict=True):
        (colours.data / "train" / colour).rename(colours.data.parent / name)
    shutil.rmtree(colours.data)
    colours.data.mkdir()
    for name in ("test", "train", "val"):
        (colours.data.parent / name).rename(colours.data / name)
    with pytest.raises(ValueError, match="which are called as parts of a data set"):
        check.run(colours)
    (colours.data / CLASSES).write_text("test\ntrain\nval\n")
    result = rehearse.run(replace(colours, words=("epochs=1",)), rehearse.Options())
    assert result["hidden"] == 7
    found = check.run(replace(colours, data=Path(result["rehearsal"]) / "site" / "files"))
    assert (found["classes"], found["test"]) == (["test", "train", "val"], 7)


def test_nothing_is_downloaded_or_submitted_and_this_is_said(colours: Any) -> None:
    called = {verb: [verb.Options()] for verb in (submit, rehearse, download)}
    for verb in (submit, download, leaderboard):
        with pytest.raises(ValueError, match="is on no site, so there is nothing to"):
            verb.run(colours, *called.get(verb, []))
    for verb in (run, validate, check, rehearse, download):
        with pytest.raises(ValueError, match=r"no data were named.*\(--data DIR\)"):
            verb.run(replace(colours, data=None), *called.get(verb, []))
