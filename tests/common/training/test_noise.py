"""noise=: doubtful labels are found inside a fold's training rows, and no held-out row is cleaned."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn.functional import cross_entropy

from common.errors import KitError
from common.recipe import Recipe
from common.targets import LabelSet, Numbers
from common.training.jobs import Job, jobs_of
from common.training.solved.decompositions import Decompositions
from common.training.solved.shelf import Shelf
from common.training.solved_heads import open_solver
from common.training.target_rules import check_fields
from common.verbs import validate
from common.workflow.prepare import prepared
from common.workflow.training_rows.noise import doubtful_rows, heeding_noise

FLIPPED = ("03e7", "10e7", "20e7", "35e7")


@pytest.fixture
def flipped(frozen: Any, tmp_path: Path) -> Any:
    """The frozen toy of three colours with four of its 48 labels moved on by one."""
    request = frozen()
    path = tmp_path / "data" / "labels.csv"
    table = pd.read_csv(path, dtype=str)
    wrong = table["id"].isin(FLIPPED)
    assert wrong.sum() == len(FLIPPED)
    table.loc[wrong, "label"] = ((table.loc[wrong, "label"].astype(int) + 1) % 3).astype(str)
    table.to_csv(path, index=False)
    assert request.data == tmp_path / "data"
    return frozen


def test_flipped_labels_are_dropped_in_training_listed_drawn_and_kept_where_held_out(
    flipped: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    request = flipped(noise="drop", head="ridge")
    run = Path(validate.run(request)["run"])
    listed = pd.read_csv(run / "doubtful_labels.csv", dtype={"id": str, "label": str})
    with np.load(run / "oof.npz") as kept:
        assert len(kept["ids"]) == 48
    folds = pd.read_csv(run / "folds.csv", dtype={"id": str}).set_index("id")["fold"]
    for fold in range(3):
        found = set(listed["id"][listed["fold"] == fold])
        assert found == {each for each in FLIPPED if folds[each] != fold}
    assert (listed["label"] != listed["suggested"].astype(str)).all()
    assert (run / "pictures" / "doubtful_labels.png").is_file()
    assert "are left out as most likely mislabelled" in capsys.readouterr().err
    with prepared(request) as ready:
        jobs = heeding_noise(ready, jobs_of(ready.recipe, ready.split.folds))
        place = pd.Index(ready.table["id"]).get_indexer(pd.Index(FLIPPED))
        for job in jobs:
            assert not np.isin(place, job.rows).any()
        assert sorted(np.concatenate([job.held_out for job in jobs])) == list(range(48))


def test_a_held_out_row_has_no_say_in_what_its_fold_drops(flipped: Any) -> None:
    with prepared(flipped(noise="drop")) as ready:
        job, context = jobs_of(ready.recipe, ready.split.folds)[0], ready.setting
        other = context.targets.copy()
        other[job.held_out] = (other[job.held_out] + 1) % 3
        one, two = (
            doubtful_rows(job, replace(context, targets=targets), ready.split.groups)
            for targets in (context.targets, other)
        )
        assert len(one.rows) and one.rows.tolist() == two.rows.tolist()
        assert one.scores.tolist() == two.scores.tolist()
        with pytest.raises(KitError, match=r"of which fold0 has 2 .* set noise=none"):
            doubtful_rows(job, context, (np.arange(48) % 2).astype(object))


def test_rows_that_a_job_does_without_are_not_in_the_moments_of_its_features(frozen: Any) -> None:
    fields = {"head": "ridge", "head_views": "mirror+shifts", "noise": "drop"}
    with prepared(frozen(**fields)) as ready:
        job = Job("part", 0, 0, np.arange(30), np.arange(30, 40))  # of 48 rows
        solver = open_solver([job, replace(job, name="refit", held_out=None)], ready.setting)
        (name,) = solver.columns
        rows = Decompositions(solver.table, solver.columns, Shelf(0))
        rows.know(solver.jobs, name)
        for each in solver.jobs:
            features = solver.table.take(each.rows, solver.columns[name])
            assert features.shape[0] * len(each.rows) >= features.shape[2]
            mean = features.reshape(-1, features.shape[2]).mean(axis=0, dtype=float)
            assert np.allclose(rows.of(each, name).mean, mean, atol=1e-6)


def test_a_weighed_row_counts_as_much_as_its_label_is_likely_and_the_others_count_all(
    flipped: Any,
) -> None:
    with prepared(flipped(noise="weight")) as ready:
        (job, *_) = heeding_noise(ready, jobs_of(ready.recipe, ready.split.folds))
        y, answers = ready.setting.loss_targets[job.rows], ready.setting.answers_of(job)
    weights = answers.sum(axis=1)
    assert (answers.argmax(axis=1)[weights > 0] == y[weights > 0]).all()
    assert 0 < (weights < 1).sum() < 6 and (weights[weights >= 1] == 1).all()
    logits = torch.randn(len(y), answers.shape[1])
    each = cross_entropy(logits, torch.from_numpy(y), reduction="none")
    weighed = cross_entropy(logits, torch.from_numpy(answers), reduction="none")
    assert torch.allclose(weighed, torch.from_numpy(weights) * each, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields", [{}, {"head": "logistic"}, {"freeze": "none", "augment": "small"}]
)
def test_weighing_rows_trains_heads_and_networks_alike(flipped: Any, fields: Any) -> None:
    assert validate.run(flipped(noise="weight", folds=1, epochs=1, **fields))["n"] == 10


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"noise": "drop"}, "weights=scratch has none"),
        ({"noise": "weight", "weights": "pretrained", "label_smoothing": 0.1}, "set noise=drop"),
    ],
)
def test_noise_that_cannot_be_found_or_weighed_is_refused(fields: Any, words: str) -> None:
    with pytest.raises(KitError, match=words):
        Recipe(**fields)


def test_numbers_have_no_doubtful_labels_and_label_sets_no_weights_of_rows() -> None:
    recipe = Recipe(noise="weight", weights="pretrained")
    for target in (Numbers(names=("age",)), LabelSet(names=("a", "b"))):
        with pytest.raises(KitError, match="noise=weight has no meaning for a target of kind"):
            check_fields(recipe, target)
    with pytest.raises(KitError, match=r"noise=drop leaves rows out$"):  # and no second advice
        check_fields(recipe, LabelSet(names=("a", "b")))
    check_fields(replace(recipe, noise="drop"), LabelSet(names=("a", "b")))
