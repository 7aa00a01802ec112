"""Missing images that lie there under another name are found, and the difference is said."""

from pathlib import Path

import pytest
from toy_folders import grown

from common.data.missing_images import why_missing


@pytest.mark.parametrize(
    ("wanted", "there", "words"),
    [
        ("train/{}.png", "train/{}.PNG", "with the suffix .PNG: 1.PNG and not 1.png"),
        ("train/{}.jpg", "train/{}.jpeg", "with the suffix .jpeg"),
        ("train/{}.png.png", "train/{}.png", "the ids carry .png already"),
        (
            "train/00{}.png",
            "train/{}.png",
            "with more or fewer leading zeros: 1.png and not 001.png",
        ),
        ("train/{}.png", "train/train/{}.png", "in a folder further down"),
        ("train/{}.png", "images/{}.png", "in another folder: images/1.png and not train/1.png"),
        ("train/\u00e9{}.png", "train/e\u0301{}.png", "in another form of Unicode"),
        (
            "train/0{}.png",
            "train/deep/{}.PNG",
            "further down and with the suffix .PNG and with more",
        ),
    ],
)
def test_the_difference_is_said(tmp_path: Path, wanted: str, there: str, words: str) -> None:
    grown(tmp_path, "labels.csv", *(there.format(number) for number in (1, 2, 3)))
    said = why_missing([str(tmp_path / wanted.format(number)) for number in (1, 2, 3, 4)])
    assert said.startswith("3 of the 4 missing are there ")
    assert words in said


def test_images_of_another_part_are_no_twins(tmp_path: Path) -> None:
    grown(tmp_path, "labels.csv", "train/1.png", "train/2.png")
    assert why_missing([str(tmp_path / "test/1.png"), str(tmp_path / "test/2.png")]) == ""
