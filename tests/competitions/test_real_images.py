"""The real cifar-10, from its archives; left out where the shared images are not at hand."""

from dataclasses import replace
from pathlib import Path

import pytest

import competitions
from common import submission
from common.verbs import check, run
from common.workflow.request import Request

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "cifar-10"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="the shared images are not here"),
]


def request(folder: Path, *words: str) -> Request:
    competition = competitions.load("cifar10")
    return Request(
        competition=competition, recipe_name="quick", data=DATA, runs=folder / "runs", words=words
    )


def test_the_archives_become_a_valid_submission_of_10_000_rows(tmp_path: Path) -> None:
    result = run.run(request(tmp_path, "rows=5000", "epochs=2", "batch_size=64", "lr=0.1"))
    rows = submission.read_csv(Path(result["submission"]))
    sample = submission.read_csv(DATA / "sampleSubmission.csv")
    assert len(rows) == 10_000
    assert rows["id"].tolist() == sample["id"].tolist()
    assert set(rows["label"]) <= {
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    }
    assert result["cv"] > 0.2  # two epochs on a tenth of the images gave 0.28; chance is 0.1


def test_check_reads_all_60_000_images(tmp_path: Path) -> None:
    result = check.run(replace(request(tmp_path)))
    assert (result["train"], result["test"]) == (50_000, 10_000)
