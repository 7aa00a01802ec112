"""Check lists duplicates, says what they mean, and folds and rehearsals keep them on one side."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from toy_competitions import laid_out, request_of, toy_competition
from toy_files import encode
from toy_reported import judged_run
from toy_shots import COPIES, recoloured, resized, shot, stored

import competitions
from common.data.archives.encoded_images import Encoded
from common.data.duplicates.groups import across, within
from common.data.folds import read_split
from common.data.pixels.decode import decode
from common.data.table import read_csv
from common.targets import OneClass
from common.verbs import check, report
from common.workflow.files import open_files
from common.workflow.prepare import prepared
from common.workflow.request import Request
from common.workflow.submitting.rehearsal_site import SERVED, SOLUTION, make_rehearsal

SHARED = Path(__file__).parents[3].parent / "shared" / "data"


@pytest.fixture
def shots(toy: Any) -> Any:
    """The toy competition with structured images of 32 pixels: 48 of train, 12 of test."""
    folder = toy().data
    for number in range(60):
        split = "train" if number < 48 else "test"
        (folder / split / f"{number:02}e7.png").write_bytes(encode(shot(number)))
    return toy


def replaced(request: Request, copies: dict[str, Any]) -> Request:
    """The request, some of its files being other pictures."""
    for name, image in copies.items():
        (request.data / name).write_bytes(encode(image))
    return request


def test_check_lists_pairs_draws_them_and_says_what_they_mean(shots: Any) -> None:
    request = replaced(
        shots(),
        {
            "train/10e7.png": recoloured(shot(0)),  # labels 1 and 0
            "train/21e7.png": shot(3),  # both of label 0
            "test/50e7.png": COPIES["moved"](shot(7)),
            "test/55e7.png": resized(shot(54), 0.8),
        },
    )
    result = check.run(request)
    pairs = pd.read_csv(result["pairs"], dtype=str)
    assert list(pairs) == ["split_a", "id_a", "split_b", "id_b", "kind", "distance"]
    assert {tuple(row) for row in pairs.iloc[:, :5].to_numpy()} == {
        ("train", "03e7", "train", "21e7", "same"),
        ("train", "00e7", "train", "10e7", "near"),
        ("train", "07e7", "test", "50e7", "near"),
        ("test", "54e7", "test", "55e7", "near"),
    }
    assert pairs["distance"].astype(float).is_monotonic_increasing
    assert (result["same"], result["near"]) == (1, 3)
    assert result["duplicate_seconds"] >= 0
    said = "\n".join(result["problems"])
    assert "1 pair of the same shot in train has two labels: 00e7 and 10e7" in said
    assert "of equal pixels in train ha" not in said
    assert "1 pair of the same shot within train (2 images)" in said
    assert "1 pair of equal pixels within train (2 images)" in said
    assert "1 pair of the same shot across train and test (1 test image)" in said
    assert "1 pair of the same shot within test" in said
    picture = decode(Path(result["picture"]).read_bytes())
    assert Path(result["picture"]).name == "pairs.png"
    assert picture.shape[1] > 3 * 220  # three pairs beside each other


def test_without_pairs_there_is_no_picture_left_of_an_earlier_check(shots: Any) -> None:
    request = replaced(shots(), {"train/21e7.png": shot(3)})
    picture = Path(check.run(request)["picture"])
    assert picture.is_file()
    replaced(request, {"train/21e7.png": shot(21)})
    result = check.run(request)
    assert result["picture"] is None
    assert not picture.exists()
    assert result["problems"] == []


def test_copies_are_in_one_fold_unless_the_recipe_says_none(shots: Any) -> None:
    copies = {f"train/{n + 24:02}e7.png": recoloured(shot(n)) for n in range(24)}
    together = {}
    for groups in ("near", "identical", "none"):
        with prepared(replaced(shots(groups=groups), copies)) as ready:
            folds = read_split(ready.run / "folds.csv", ready.table["id"]).folds[0]
            together[groups] = int((folds[:24] == folds[24:]).sum())
            assert ready.recipe.groups == groups
    assert together["near"] == 24
    assert together["none"] < 24
    assert together["identical"] < 24


def test_a_samples_groups_are_the_samples(shots: Any) -> None:
    copies = {f"train/{n + 24:02}e7.png": recoloured(shot(n)) for n in range(24)}
    with prepared(replaced(shots("rows=30"), copies)) as ready:
        folds = read_split(ready.run / "folds.csv", ready.table["id"]).folds[0]
        fold = dict(zip(ready.table["id"], folds, strict=True))
    pairs = [(f"{n:02}e7", f"{n + 24:02}e7") for n in range(24)]
    kept = [(fold[a], fold[b]) for a, b in pairs if a in fold and b in fold]
    assert 3 < len(kept) < 24
    assert all(a == b for a, b in kept)


def test_a_rehearsal_hides_no_copy_of_what_it_shows(shots: Any) -> None:
    copies = {f"train/{n + 24:02}e7.png": recoloured(shot(n)) for n in range(24)}
    request = replaced(shots(groups="none"), copies)
    folder = make_rehearsal(request, open_files(request), share=0.5, seed=1)
    hidden = set(read_csv(folder / SOLUTION)["id"])
    assert len(hidden) > 10
    assert len(list((folder / SERVED / "train").iterdir())) == 48 - len(hidden)
    for n in range(24):
        assert (f"{n:02}e7" in hidden) == (f"{n + 24:02}e7" in hidden)


def real(folder: Path, name: str) -> list[Any]:
    paths = sorted((SHARED / name).rglob(f"{folder}/*.jpg"))
    return [decode(path.read_bytes(), 256) for path in paths]


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared images are not here")
def test_the_real_dogs_hold_one_pair_and_other_photographs_and_leaves_none(tmp_path: Path) -> None:
    data = "dog-breed-identification"
    train = stored(tmp_path / "train", real(Path("train"), data))
    test = stored(tmp_path / "test", real(Path("test"), data))
    pairs = across(train, test)
    assert pairs["kind"].tolist() == ["same"]
    assert within(train).empty
    assert within(test).empty
    for name in ("hotdog", "pizza_steak_sushi", "classify-leaves-2016"):
        images = [decode(path.read_bytes(), 256) for path in sorted((SHARED / name).rglob("*.jpg"))]
        assert len(images) >= 300
        assert within(stored(tmp_path / name, images)).empty, name


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared images are not here")
def test_copies_planted_among_thousands_of_cifar_images_are_found(tmp_path: Path) -> None:
    competition = competitions.load("cifar10")
    request = Request(
        competition=competition,
        recipe_name="quick",
        data=SHARED / "cifar-10",
        runs=tmp_path / "runs",
    )
    table = open_files(request).train.iloc[:3000]
    images = [decode(data) for data in Encoded(table["path"].tolist())]
    kinds = list(COPIES.values())
    planted = [kinds[n % len(kinds)](images[n]) for n in range(440)]
    pairs = within(stored(tmp_path, [*images, *planted]))
    linked = set(zip(pairs["a"], pairs["b"], strict=True))
    missed = [n for n in range(440) if (n, 3000 + n) not in linked]
    assert len(missed) <= 6  # plain grounds, where only equal pixels count
    others = [(a, b) for a, b in linked if b < 3000]
    assert len(others) <= 40  # what these 3,000 hold themselves


def test_where_check_found_no_pairs_the_report_says_none(tmp_path: Path) -> None:
    competition = toy_competition(OneClass(), "accuracy", ["label"])
    laid_out(competition, tmp_path / "data", label=["cat", "dog"] * 18)
    request = request_of(competition, tmp_path)
    made = judged_run(request)
    found = check.run(request)
    assert found["same"] == found["near"] == 0
    page = Path(report.run(request, report.Options((made.folder,)))["report"]).read_text()
    assert page.partition("as kit check listed them")[2].partition("<p>")[2].startswith("None.")
