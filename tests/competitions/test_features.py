"""The recipe `features` on real photographs and weights; left out where these are not at hand."""

from pathlib import Path

import pytest

import competitions
from common.verbs import validate
from common.workflow.request import Request

SHARED = Path(__file__).parents[2].parent / "shared"
WEIGHTS = SHARED / "weights" / "mobilenetv2_100.tf_in1k"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.slow,
    pytest.mark.skipif(not SHARED.is_dir(), reason="the shared images are not here"),
]


@pytest.mark.parametrize(
    ("name", "place", "least"),
    [
        ("leaves", "classify-leaves-2016", 0.945),
        ("folder", "hotdog", 0.88),
        ("folder", "pizza_steak_sushi", 0.91),
    ],
)
def test_features_of_a_small_network_serve_small_data_well(
    name: str, place: str, least: float, tmp_path: Path
) -> None:
    request = Request(
        competition=competitions.load(name),
        recipe_name="features",
        words=(f"backbone=local-dir:{WEIGHTS}",),
        data=SHARED / "data" / place,
        runs=tmp_path / "runs",
    )
    assert validate.run(request)["cv"] >= least
