"""Features and a solver that the other folds choose: planted data, where the truth is known."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from common.inference.feature_table import FeatureTable
from common.models.joined_features import Block
from common.recipe import Recipe
from common.targets import OneClass
from common.training.jobs import Job
from common.training.linear_probe import apart
from common.training.solved import decompositions, layers
from common.training.solved.candidates import ALL, feature_choices
from common.training.solved.choosing import Choice, choose, grid_of_points
from common.training.solved.principal import Part, Principal, moments, principal
from common.training.solved_heads import HeadSolver

BLOCKS = [
    Block(side, stage, pool, 6 if side and pool == "mean" else 40)
    for side in (0, 64)
    for stage, pool in ((0, "mean"), (0, "max"), (1, "mean"), (1, "max"))
]
SMALL = "means of all stages, smaller size"
LAST = "means of the last stage"
CLASSES = 3


def solver(x: Any, y: Any, *, folds: int = 4, **fields: Any) -> HeadSolver:
    """The solver of planted features [N, F] and classes [N]."""
    recipe = Recipe(
        freeze="backbone", image_size=96, feature_size=64, feature_stages=2, feature_pools="mean+max",
        folds=folds, **fields,
    )  # fmt: skip
    fold = np.arange(len(y)) % folds
    jobs = [
        Job(f"fold{k}", k, 0, np.flatnonzero(fold != k), np.flatnonzero(fold == k))
        for k in range(folds)
    ]
    target = OneClass(names=tuple("abc"))

    def validated(probs: Any, rows: Any) -> dict[str, float]:
        return {"accuracy": float((probs.argmax(axis=1) == y[rows]).mean())}

    context: Any = SimpleNamespace(
        recipe=recipe,
        target=target,
        loss_targets=y,
        targets=y,
        answers_of=lambda job: y[job.rows],
        validated=validated,
    )
    return HeadSolver(jobs, context, FeatureTable([[x[None].astype(np.float16)]]), BLOCKS)


def planted(count: int, told_by: list[Block], seed: int = 0) -> tuple[Any, Any]:
    """Noise, in which the columns of some blocks tell the class."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, CLASSES, count)
    parts = [rng.normal(size=(count, block.width)) for block in BLOCKS]
    for block, part in zip(BLOCKS, parts, strict=True):
        if block in told_by:
            part[:, :CLASSES] += 1.5 * np.eye(CLASSES)[y]
    return np.concatenate(parts, axis=1), y


def accuracies(made: HeadSolver, choice: Choice) -> list[float]:
    return [float(each.logs[0][0]["accuracy"]) for each in made.trained(choice.mixes)]


@pytest.mark.parametrize(
    ("told_by", "name"),
    [
        ([block for block in BLOCKS if block.side and block.pool == "mean"], SMALL),
        (BLOCKS, ALL),
    ],
)
def test_the_folds_choose_the_features_that_tell_the_class(told_by: list[Block], name: str) -> None:
    made = solver(*planted(90, told_by), head="ridge", feature_choice="best")
    choice = made.solve()
    assert {point.features for mix in choice.mixes for point in mix} == {name}
    columns = made.columns[name]
    for each in made.trained(choice.mixes):
        weight = each.weights[0]["head.weight"].numpy()
        unused = np.ones(weight.shape[1], bool)
        unused[columns] = False
        assert not weight[:, unused].any() and weight[:, ~unused].all()
    assert name in made.lines(choice)[0]


def test_the_folds_take_the_backbone_that_tells_the_class_and_leave_out_one_of_noise() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, CLASSES, 90)
    good = rng.normal(size=(90, 6)) + 2.0 * np.eye(CLASSES)[y][:, [0, 1, 2, 0, 1, 2]]
    x = np.hstack([rng.normal(size=(90, 200)), good])
    joined: dict[str, Any] = {"backbone": "noise+good", "weights": "pretrained"}
    made = solver(x, y, head="ridge", feature_choice="best", **joined)
    made = replace(made, blocks=[Block(0, 0, "mean", 200, 0), Block(0, 0, "mean", 6, 1)])
    assert list(made.columns) == [ALL, "all of backbone 1", "all of backbone 2"]
    mixes = made.solve().mixes
    assert {point.features for mix in mixes for point in mix} == {"all of backbone 2"}
    for each in made.trained(mixes):
        weight = each.weights[0]["head.weight"].numpy()
        assert not weight[:, :200].any() and weight[:, 200:].all()


def test_a_fold_has_no_say_in_its_own_choice() -> None:
    """Whatever losses its own held-out rows have, it takes the features and the penalty of the others."""
    x, y = planted(88, [block for block in BLOCKS if block.side and block.pool == "mean"])
    choice = solver(x, y, head="ridge", feature_choice="best").solve()
    solved = choice.heads
    solved[0].losses.update({point: -loss for point, loss in solved[0].losses.items()})
    assert {choose(apart(solved[0], solved)): 1} == choice.mixes[0]


def test_a_fold_has_no_say_in_the_weights_of_its_own_stack() -> None:
    x, y = planted(60, BLOCKS)
    made, other = (solver(x, y, head="stack", feature_choice="best") for _ in range(2))
    of_first = np.arange(len(y)) % 4 == 0
    other.context.targets = np.where(of_first, (y + 1) % CLASSES, y)  # by which a fold is judged
    mine, theirs = made.solve().mixes, other.solve().mixes
    assert mine[0] == theirs[0] and mine[1] != theirs[1]


def test_the_score_of_noise_is_that_of_chance() -> None:
    """The best of all candidates in hindsight looks better than chance; what the folds choose does not."""
    found, hindsight = [], []
    for seed in range(5):
        x, y = planted(48, [], seed)
        made = solver(x, y, head="best", feature_choice="best")
        choice = made.solve()
        found += accuracies(made, choice)
        grid = grid_of_points(choice)
        hindsight.append(min(loss for loss in grid["losses"] if loss is not None))
        own = [each.loss(*mix) for each, mix in zip(choice.heads, choice.mixes, strict=True)]
        assert np.mean(own) >= hindsight[-1]
    assert abs(np.mean(found) - 1 / CLASSES) < 4 * np.sqrt(2 / 9 / (5 * 48))


@pytest.mark.parametrize("limit", [0.0, 1e9], ids=["on disk", "in memory"])
def test_rows_are_decomposed_once_for_every_solver_and_the_head_that_is_chosen(
    limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    formed: list[int] = []

    def counted(part: Part, known: Any) -> Principal:
        formed.append(part.width)
        return principal(part, known)

    monkeypatch.setattr(decompositions, "principal", counted)
    monkeypatch.setattr(layers, "BYTES_KEPT", limit)
    made = solver(*planted(90, BLOCKS), head="best", feature_choice="best")
    choice = made.solve()
    assert len({tuple(mix) for mix in choice.mixes}) and min(accuracies(made, choice)) > 0.8
    assert len(formed) == len(made.columns) * len(made.jobs)


def test_the_best_solver_is_found_among_those_that_fit() -> None:
    made = solver(*planted(90, BLOCKS), head="best")
    choice = made.solve()
    tried = {point.head for each in choice.heads for point in each.losses}
    assert tried == {"ridge", "logistic", "lda"}
    assert {point.features for mix in choice.mixes for point in mix} == {ALL}
    assert min(accuracies(made, choice)) > 0.8


def test_the_loss_of_a_penalty_that_a_fold_did_not_try_is_known_where_others_chose_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, y = planted(80, [BLOCKS[0]])
    asked: list[Any] = []
    monkeypatch.setattr(layers, "cores", lambda: 1)
    # The first fold that asks tries one penalty alone, the others all.
    monkeypatch.setattr(layers, "_rises", lambda losses: not asked and not asked.append(losses))
    made = solver(x, y, head="logistic")
    choice = made.solve()
    assert len(asked) == 1
    tried = {len(each.losses) for each in choice.heads}
    assert min(tried) == 2 < max(tried)  # its own, and what the others chose
    assert "not known" not in " ".join(made.lines(choice))
    for each, head in zip(choice.heads, made.trained(choice.mixes), strict=True):
        (point,) = choice.mixes[choice.heads.index(each)]
        assert np.isfinite(each.loss(point)) and head.job is each.job


def test_choices_that_are_the_same_columns_are_one() -> None:
    recipe = Recipe(freeze="backbone", head="ridge", feature_stages=2, feature_choice="best")
    blocks = [Block(0, 0, "mean", 4), Block(0, 1, "mean", 2)]
    found = feature_choices(blocks, recipe)
    assert list(found) == [ALL, LAST] and list(found[LAST]) == [0, 1, 2, 3]


def test_a_stack_of_solvers_is_one_linear_layer_whose_weights_the_other_folds_give() -> None:
    x, y = planted(90, BLOCKS)
    made = solver(x, y, head="stack", feature_choice="best")
    choice = made.solve()
    for mix in [*choice.mixes, choice.best]:
        assert sum(mix.values()) == pytest.approx(1) and min(mix.values()) > 0
    tried = {(point.head, point.features) for each in choice.heads for point in each.losses}
    assert len(tried) > 2 * len(made.columns) and min(accuracies(made, choice)) > 0.8
    judged = made._layers.loss  # of outputs that are mixed, and of the layer that is written
    heads = zip(choice.heads, choice.mixes, made.trained(choice.mixes), strict=True)
    for head, mix, written in heads:
        assert head.job.held_out is not None
        probs = made.probs(written, head.job.held_out)
        losses = made.context.target.row_losses(probs, y[head.job.held_out])
        assert losses.mean() == pytest.approx(judged(head, mix), rel=1e-4)


def test_the_moments_of_all_rows_are_formed_once_and_no_fold_keeps_its_coordinates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Coordinates of many rows are as large as the table: a fold's go when its heads are solved."""
    formed: list[int] = []
    kept: list[Principal] = []

    def counted(part: Part, *known: Any) -> Any:
        formed.append(len(part))
        return moments(part, *known)

    def seen(self: Any) -> None:
        kept.extend(self._decompositions._kept.values())

    monkeypatch.setattr(decompositions, "moments", counted)
    monkeypatch.setattr(layers.Layers, "forget_rows", seen)
    made = solver(*planted(360, BLOCKS), head="best", feature_choice="best")
    made.solve()
    assert formed.count(360) == len(made.columns) and len(kept) == 4 * len(made.columns)
    assert not any("x" in vars(rows) for rows in kept)
