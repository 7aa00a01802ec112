"""A stack's weights are the least loss of the rows they are fitted on; what was chosen, in words."""

from typing import Any

import numpy as np
import pytest

from common.training.jobs import Job
from common.training.solved.candidates import Point
from common.training.solved.choosing import (
    Choice,
    SolvedHead,
    best_of_grid,
    grid_of_points,
)
from common.training.solved.stacking import stack_lines, stacked

RIDGE, LDA = Point(1.0, 1.0, "ridge", "all"), Point(0.5, 1.0, "lda", "all")
ROWS = 40


def judge(number: int, outputs: dict[Point, Any]) -> SolvedHead:
    """A job whose held-out rows all have the answer 0, and its squared losses at each point."""
    job = Job(f"fold{number}", number, 0, np.arange(0), np.arange(ROWS))
    losses = {point: np.float32(z[0, :, 0] ** 2) for point, z in outputs.items()}
    return SolvedHead(job, losses)


def squares(_: SolvedHead, outputs: Any) -> float:
    return float((outputs.mean(axis=0) ** 2).mean())


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_weights_are_those_of_the_least_loss_and_sum_to_one(unit: float) -> None:
    """Errors of two solvers of variances 1 and 4, uncorrelated: 0.8 and 0.2 have the least of the mean."""
    one = unit * np.tile([1.0, -1.0], ROWS // 2)
    two = 2 * unit * np.tile([1.0, 1.0, -1.0, -1.0], ROWS // 4)
    outputs = {RIDGE: np.float32(one[None, :, None]), LDA: np.float32(two[None, :, None])}
    judges = [judge(number, outputs) for number in range(3)]
    mix = stacked(judges, [RIDGE, LDA], lambda _, point: outputs[point], squares)
    assert mix[RIDGE] == pytest.approx(0.8, abs=1e-3) and sum(mix.values()) == pytest.approx(1)


def test_a_solver_that_only_harms_has_no_weight() -> None:
    good, bad = np.zeros((1, ROWS, 1), np.float32), np.ones((1, ROWS, 1), np.float32)
    outputs = {RIDGE: bad, LDA: good}
    assert stacked([judge(0, outputs)], [RIDGE, LDA], lambda _, point: outputs[point], squares) == {
        LDA: 1
    }


def test_the_weights_are_kept_with_the_run_and_told_beside_their_honest_score() -> None:
    heads = [
        judge(number, {RIDGE: np.ones((1, ROWS, 1)), LDA: np.ones((1, ROWS, 1))})
        for number in (0, 1)
    ]
    mixes = [{RIDGE: 0.75, LDA: 0.25}, {RIDGE: 1.0}]
    choice = Choice(heads, mixes, {RIDGE: 0.9, LDA: 0.1})
    assert best_of_grid(grid_of_points(choice)) == choice.best
    first, second = stack_lines(choice, 0.5, 1.0, 0.25)
    assert first.startswith(
        "head=stack: ridge 0.75 to 1.00, lda 0.00 to 0.25; all 1.00; each fold's"
    )
    assert (
        "held-out loss 0.5000; of one candidate alone, chosen by the other folds, 1.0000" in second
    )
    assert "in-sample and so optimistic, 0.2500" in second
