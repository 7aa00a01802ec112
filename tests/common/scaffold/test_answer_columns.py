"""Which column holds the answers, where several are called so."""

from pathlib import Path

import pytest
from toy_conclusions import found
from toy_layouts import TEST, TRAIN, both, csv, some

LABELS = {
    "label": some("cat", "dog", "cow"),
    "label_id": some(0, 1, 2),
    "view": some(0, 1),
}


@pytest.mark.parametrize(
    ("asked", "cell", "answer"),
    [
        ("category", 0, "label_id"),
        ("category", "cow", "label"),
        ("category", "?", "label"),
        ("label", 0, "label_id"),
        ("label", "dog", "label"),
        ("label", "?", "label"),
    ],
)
def test_the_column_with_the_samples_cells_holds_the_answers(
    asked: str, cell: object, answer: str, tmp_path: Path
) -> None:
    both(tmp_path, "train/{}.jpg", "test/{}.jpg")
    csv(tmp_path, "train.csv", image=TRAIN, **LABELS)
    csv(tmp_path, "sample_submission.csv", id=TEST, **{asked: some(cell, count=4)})
    _, result = found(tmp_path, metric="accuracy")
    assert result["target_columns"] == [answer]
    other = {"label": "label_id", "label_id": "label"}[answer]
    told = f"has values of {answer}, and none of {other}" in str(result["evidence"])
    assert told == (cell != "?" and (asked, answer) != ("label", "label"))
