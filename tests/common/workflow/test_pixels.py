"""Alpha channels and 12-bit values on the way through the verbs: what is said, and where it stops."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from common.verbs import check, run


def deepen(folder: Path, bits: int) -> None:
    """The images of a folder as 16-bit files whose values need so many bits."""
    for path in folder.rglob("*.png"):
        pixels = cv2.imread(str(path)).astype(np.uint16)
        cv2.imwrite(str(path), pixels << bits - 8)


def test_check_says_what_became_of_the_pixels(toy: Any, capsys: pytest.CaptureFixture[str]) -> None:
    deepen(toy().data_folder / "train", 12)
    for path in (toy().data_folder / "test").glob("*.png"):
        pixels = cv2.imread(str(path))
        cv2.imwrite(str(path), np.dstack([pixels, pixels[..., 0]]))
    check.run(toy())
    said = capsys.readouterr().err
    assert "train: 48 of 48 images of more than 8 bits, values up to" in said
    assert "read as 12 bits, of which the upper 8 are kept" in said
    assert "test: 12 of 12 images with an alpha channel: composited on white" in said


def test_a_test_set_of_more_bits_than_the_training_set_stops_before_training(toy: Any) -> None:
    deepen(toy().data_folder / "train", 10)
    deepen(toy().data_folder / "test", 12)
    with pytest.raises(
        ValueError, match=r"12 images of the test set .*: bit_depth=12 reads both alike"
    ):
        run.run(toy())
    assert not [*toy().runs.rglob("log.jsonl")]


@pytest.mark.slow
def test_a_run_on_twelve_bits_predicts_what_it_predicts_on_eight(toy: Any) -> None:
    eight = run.run(toy(epochs=1))
    deepen(toy().data_folder, 12)
    assert run.run(toy(epochs=1))["cv"] == eight["cv"]
