"""`kit score` where the metric alone does not say how cells and ids are read."""

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

Run = Any
N = 60
IDS = [f"{number:03}" for number in range(N)]
BENGALI = ("consonant_diacritic", "grapheme_root", "vowel_diacritic")


def bengali(labels: Any) -> dict[str, Any]:
    """Three rows an image, as bengaliai-cv19 has them: 'Test_0_vowel_diacritic'."""
    ids = [f"Test_{image}_{name}" for image in range(len(labels)) for name in BENGALI]
    return {"row_id": ids, "target": labels.ravel()}


def test_a_row_for_each_image_and_target_is_scored_by_target(score: Run) -> None:
    rng = np.random.default_rng(5)
    truth, told = rng.integers(0, 4, (N, 3)), rng.integers(0, 4, (N, 3))
    c, g, v = (sk.recall_score(truth[:, k], told[:, k], average="macro") for k in range(3))
    names = "grapheme_root,vowel_diacritic,consonant_diacritic"
    found = score("macro_recall:2,1,1", bengali(truth), bengali(told), "--targets", names)
    assert found["score"] == pytest.approx((2 * g + v + c) / 4, rel=1e-14)
    assert found["rows"] == 3 * N
    told_so = score("macro_recall:2,1,1", bengali(truth), bengali(told), "--targets", "root,vowel")
    assert "120 rows of a target other than root, vowel: Test_0_consonant_diacritic" in told_so


def test_missing_targets_of_a_long_file_are_left_out_and_a_split_keeps_images_whole(
    score: Run,
) -> None:
    ids = [f"{image}__{name}" for image in IDS for name in ("a", "b")]
    rng = np.random.default_rng(6)
    truth, told = rng.normal(size=(2, 2 * N))
    keep = np.arange(2 * N) != 3
    solution = {"id": np.array(ids)[keep], "y": truth[keep]}
    submission = {"id": np.array(ids)[keep], "y": told[keep]}
    found = score("mean_column_rmse", solution, submission, "--targets", "a,b")
    b = keep[1::2]
    wanted = (
        sk.root_mean_squared_error(truth[::2], told[::2])
        + sk.root_mean_squared_error(truth[1::2][b], told[1::2][b])
    ) / 2
    assert found["score"] == pytest.approx(wanted, rel=1e-14)
    split = {"id": ids, "y": truth, "Usage": ["Public", "Private"] * N}
    told_so = score("rmse", split, {"id": ids, "y": told}, "--targets", "a,b")
    assert "60 rows whose targets differ in Usage: 000__, 001__" in told_so


def test_labels_part_at_a_separator_and_a_word_stands_for_none(score: Run) -> None:
    solution = {"id": IDS[:4], "labels": ["red fox;owl", "none", "owl", "red fox"]}
    submission = {"id": IDS[:4], "labels": ["owl ; red fox", "none", "red fox", "none"]}
    words = ("--separator", ";", "--empty", "none")
    assert score("f1_micro", solution, submission, *words)["score"] == pytest.approx(4 / 7)


def test_f_of_yes_or_no_counts_the_word_for_yes(score: Run) -> None:
    truth, told = ["cat", "dog", "dog", "cat"], ["cat", "dog", "dog", "dog"]
    files = {"id": IDS[:4], "pet": truth}, {"id": IDS[:4], "pet": told}
    alone = sk.f1_score(truth, told, pos_label="cat")
    assert score("f1_macro", *files, "--yes", "cat")["score"] == pytest.approx(alone)
    both = sk.f1_score(truth, told, average="macro")
    assert score("f1_macro", *files)["score"] == pytest.approx(both)
