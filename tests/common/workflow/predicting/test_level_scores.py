"""Out-of-fold scores of fewer views: the run's own where nothing is left out."""

from dataclasses import replace
from pathlib import Path

import pytest
from toy_competitions import laid_out, request_of
from toy_package import Made

import competitions
from common.recipe import Recipe
from common.runs import Run
from common.verbs import predict, run
from common.workflow.blending import blend
from common.workflow.files import open_files
from common.workflow.predicting.level_scores import scores_by_views
from common.workflow.run_results import fold_files, predictions_folder


def test_with_all_views_it_is_the_runs_own_score_and_with_one_that_of_a_run_without_views(
    dogs: Made,
) -> None:
    found = scores_by_views(dogs.request, dogs.run, open_files(dogs.request), 2)
    assert found[1] == dogs.run.read("scores.json")["cv"]
    decided = dogs.run.read("scores.json")["decision"]["kind"]
    assert decided == "temperature"  # fitted with all views, and kept
    assert found[0] != found[1]


def test_a_models_own_held_out_file_as_ray_and_gather_leave_is_no_folds(tmp_path: Path) -> None:
    made, recipe = Run(tmp_path), Recipe()
    made.note(code="1a2b3c4d")
    folder = predictions_folder(made, recipe)
    for name in ("fold10", "fold2", "fold2.held-out", "fold2-seed1.held-out", "fold2.test-1a2b"):
        (folder / f"{name}.npz").touch()
    assert [path.name for path in fold_files(made, recipe)] == ["fold2.npz", "fold10.npz"]


@pytest.mark.slow
@pytest.mark.parametrize("folds", [1, 2])
def test_of_a_blend_too_each_part_by_the_weights_and_decision_of_the_others(
    tmp_path: Path, folds: int
) -> None:
    competition = competitions.load("dog_breed")
    laid_out(competition, tmp_path / "data")
    request = request_of(competition, tmp_path)
    fields = {"epochs": 1, "views": "mirror", "folds": folds}
    runs = [
        Run(Path(run.run(request_of(competition, tmp_path, seed=seed, **fields))["run"]))
        for seed in (0, 1)
    ]
    both = blend(request, [each.folder for each in runs], kind="greedy")
    found = scores_by_views(request, both, open_files(request), 3)
    assert found[1] == found[2] == pytest.approx(both.read("scores.json")["cv"], abs=1e-9)


@pytest.mark.slow
def test_without_a_decision_one_view_scores_what_predicting_without_views_scores(
    tmp_path: Path,
) -> None:
    competition = competitions.load("dog_breed")
    laid_out(competition, tmp_path / "data")
    request = request_of(competition, tmp_path, epochs=1, views="mirror", decision="none", folds=1)
    made = Run(Path(run.run(request)["run"]))
    found = scores_by_views(request, made, open_files(request), 2)
    predict.run(replace(request, run=made.folder, words=("views=identity",)))
    assert made.read("scores.json")["cv"] == found[0]
