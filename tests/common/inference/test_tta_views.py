"""Views are pure functions from a batch to a batch of the same shape."""

import numpy as np
import pytest
import torch
from toy_answers import evaluator, log_loss

from common.inference.out_of_fold import FoldViewProbs, cv_scores, fold_probs, pooled, view_gains
from common.inference.predict import least_certain, mean_over_views
from common.inference.tta_views import VIEW_GROUPS, mirror, shift
from common.recipe_rules import VIEWS


def batch() -> torch.Tensor:
    return torch.arange(2 * 3 * 16 * 16, dtype=torch.float32).view(2, 3, 16, 16)


@pytest.mark.parametrize("group", VIEW_GROUPS)
def test_a_view_keeps_the_shape_and_leaves_its_input_alone(group: str) -> None:
    x = batch()
    for view in VIEW_GROUPS[group]:
        assert view(x).shape == x.shape
        assert torch.equal(view(x), view(x))
    assert torch.equal(x, batch())


def test_the_recipe_knows_the_groups_that_there_are() -> None:
    assert tuple(VIEW_GROUPS) == VIEWS


def test_the_square_has_eight_different_views_with_the_identity() -> None:
    x = batch()
    seen = [x, *(view(x) for view in VIEW_GROUPS["square"])]
    assert len({t.contiguous().numpy().tobytes() for t in seen}) == 8


def test_a_shift_moves_the_picture_and_reflects_the_edge() -> None:
    x = batch()
    moved = shift(x, down=1, right=0)
    assert torch.equal(moved[..., 1:, :], x[..., :-1, :])
    assert torch.equal(moved[..., 0, :], x[..., 1, :])
    assert torch.equal(mirror(mirror(x)), x)


def test_scaling_up_then_keeps_the_middle() -> None:
    x = torch.zeros(1, 1, 16, 16)
    x[..., 6:10, 6:10] = 1
    larger, smaller = (view(x) for view in VIEW_GROUPS["scales"])
    assert larger.sum() > x.sum() > smaller.sum()


def test_groups_are_weighted_by_their_number_of_views() -> None:
    one, four = np.zeros((1, 2), np.float32), np.ones((1, 2), np.float32)
    assert mean_over_views({"identity": one, "shifts": four}, ["identity", "shifts"])[
        0, 0
    ] == pytest.approx(0.8)


def test_the_image_and_its_mirror_count_twice_as_much_as_either_moved_by_a_pixel() -> None:
    zero, one = np.zeros((1, 2), np.float32), np.ones((1, 2), np.float32)
    names = ["identity", "mirror", "diagonal"]
    shares = [
        mean_over_views({name: one if name == which else zero for name in names}, names)[0, 0]
        for which in names
    ]
    assert shares == [0.25, 0.25, 0.5]  # the diagonal's half is that of four views


def test_the_least_certain_share_is_that_of_the_lowest_likeliest_class() -> None:
    probs = np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.2, 0.8]], np.float32)
    assert least_certain(probs.max(axis=1), 0.5).tolist() == [1, 2]
    assert least_certain(probs.max(axis=1), 0.26).tolist() == [1, 2]
    assert least_certain(probs.max(axis=1), 0.01).tolist() == [2]


TARGETS = np.array([0, 1, 0, 1])


def held(rows: list[int], right: list[bool]) -> FoldViewProbs:
    probs = np.array(
        [
            [0.9, 0.1] if (TARGETS[r] == 0) == ok else [0.1, 0.9]
            for r, ok in zip(rows, right, strict=True)
        ],
        dtype=np.float32,
    )
    return FoldViewProbs(np.array(rows), {"identity": probs, "mirror": 1 - probs})


def test_scores_are_of_the_folds_and_pooled_over_rows() -> None:
    folds = [held([2, 0], [True, True]), held([1, 3], [True, False])]
    found = cv_scores(fold_probs(folds, ["identity"]), TARGETS, evaluator("accuracy"))
    assert found["fold_scores"] == [1.0, 0.5]
    assert (found["cv"], found["pooled"], found["n"]) == (0.75, 0.75, 4)
    assert found["cv_sd"] == pytest.approx(0.35355, abs=1e-4)


def test_rows_never_held_out_are_left_out_and_repeats_are_averaged() -> None:
    rows, probs = pooled(fold_probs([held([2], [True]), held([2], [False])], ["identity"]), 4)
    assert rows.tolist() == [2]
    assert probs[0].tolist() == pytest.approx([0.5, 0.5])


def test_what_a_view_adds_is_measured_against_the_plain_view() -> None:
    found = view_gains(
        [held([0, 1, 2, 3], [True] * 4)], ["identity", "mirror"], TARGETS, evaluator("log_loss")
    )
    assert [row["views"] for row in found] == ["identity", "identity+mirror"]
    assert found[1]["score"] > found[0]["score"]


def test_log_loss_is_scikit_learns_and_never_infinite() -> None:
    from sklearn.metrics import log_loss as reference

    probs = np.random.default_rng(0).dirichlet(np.ones(3), 50).astype(np.float32)
    targets = np.random.default_rng(1).integers(0, 3, 50)
    rows = probs.astype(float) / probs.astype(float).sum(1, keepdims=True)
    assert log_loss(probs, targets) == pytest.approx(reference(targets, rows, labels=[0, 1, 2]))
    assert np.isfinite(log_loss(np.array([[1.0, 0.0]], np.float32), np.array([1])))


def test_a_zoom_keeps_the_shape_of_what_it_shows() -> None:
    x = torch.zeros(1, 1, 64, 192)
    x[..., 16:48, 48:144] = 1
    small, large = (view(x)[0, 0] > 0.5 for view in VIEW_GROUPS["scales"])
    for zoomed in (small, large):
        assert int(zoomed.any(1).sum()) * 3 == pytest.approx(int(zoomed.any(0).sum()), abs=3)
