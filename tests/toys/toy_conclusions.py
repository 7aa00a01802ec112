"""What `kit new --data` concludes of a folder, or asks."""

from pathlib import Path

import pytest
from toy_layouts import TEST, TRAIN, Words, both, csv, some

from common.scaffold.conclusions import Answers, Facts, conclude
from common.scaffold.notes import OpenQuestionError


def asked(folder: Path, **words: str) -> str:
    with pytest.raises(OpenQuestionError) as raised:
        conclude(folder, Answers(**words))
    assert str(raised.value) == raised.value.result["unknown"][-1]
    assert "\n" not in str(raised.value)
    return str(raised.value)


def found(folder: Path, **words: str) -> tuple[Facts, dict[str, object]]:
    return conclude(folder, Answers(**words))


def pairs(folder: Path, answer: str = "label", /, **columns: list[object]) -> Words:
    """Images of both sets, a training table with further columns and a sample."""
    both(folder, "train/{}.jpg", "test/{}.jpg")
    csv(folder, "train.csv", id=TRAIN, **columns)
    csv(folder, "sample_submission.csv", id=TEST, **{answer: some(0, count=4)})
    return {"metric": "auc"}
