"""Three real downloads; left out where the shared images are not at hand."""

from pathlib import Path

import pytest

from common.data.archives.open_data import open_folder
from common.scaffold.conclusions import Answers, conclude

DATA = Path(__file__).parents[3].parent / "shared" / "data"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason="the shared images are not here"),
]


@pytest.mark.parametrize(
    ("name", "metric", "told"),
    [
        ("dog-breed-identification", "log_loss", ("labels.csv", "breed", "train/{id}.jpg", 120)),
        ("classify-leaves-2016", "accuracy", ("train.csv", "label", "{id}", 99)),
        ("cifar-10", "accuracy", ("trainLabels.csv", "label", "train/{id}.png", 10)),
    ],
)
def test_a_download_is_understood_with_its_metric_alone(
    name: str, metric: str, told: tuple[str, str, str, int], tmp_path: Path
) -> None:
    folder = open_folder(DATA / name, tmp_path, packed=True)
    facts, result = conclude(folder, Answers(metric=metric))
    training = facts.training
    found = (training.name, training.answers[0], training.images, len(result["classes"]))
    assert found == told
    assert (result["kind"], result["unknown"]) == ("class", [])
