"""What the folds choose from, and the words about it."""

import numpy as np
import pytest

from common.recipe import Recipe
from common.training.jobs import Job
from common.training.solved.candidates import Point
from common.training.solved.choosing import Choice, SolvedHead, choice_lines, choose


def solved_head(losses: dict[Point, list[float]]) -> SolvedHead:
    job = Job("fold0", 0, 0, np.arange(0), np.arange(4))
    return SolvedHead(job, {point: np.float32(each) for point, each in losses.items()})


def test_a_solver_is_chosen_before_an_earlier_one_where_it_is_clearly_better() -> None:
    ridge, weak = Point(1.0, 1.0, "ridge", "all"), Point(0.1, 1.0, "ridge", "all")
    lda = Point(0.5, 1.0, "lda", "all")
    judge = solved_head({ridge: [0.5, 0.6, 0.7, 0.8], weak: [0.9] * 4, lda: [0.4, 0.5, 0.6, 0.8]})
    assert choose([judge]) == lda
    judge.losses[lda][:] = [0.1, 0.9, 0.7, 0.8]  # better on the whole, by one row
    assert choose([judge]) == ridge
    judge.losses[weak][:] = 0.6  # of one solver, the least loss decides
    assert choose([judge]) == weak


@pytest.mark.parametrize(
    ("point", "words"),
    [
        (Point(5, 0.06, "knn", "all"), "k = 5, temperature = 0.06"),
        (Point(4, 80, "boosting", "all"), "leaf nodes = 4, rounds = 80"),
        (Point(10.0, 4.0, "ridge", "all"), "alpha = 10"),
    ],
)
def test_both_numbers_of_a_choice_are_told_where_a_user_knows_them(
    point: Point, words: str
) -> None:
    heads = [solved_head({point: [0.5] * 4}) for _ in range(2)]
    choice = Choice(heads, [{point: 1.0}] * 2, {point: 1.0})
    (line,) = choice_lines(choice, Recipe(freeze="backbone", head=point.head))
    assert line.startswith(f"head={point.head}: {words} (2 folds), each")


def test_a_loss_that_a_fold_did_not_come_to_is_told_as_unknown() -> None:
    strong, weak = Point(0.1, 1.0, "logistic", "all"), Point(1.0, 1.0, "logistic", "all")
    ridge = Point(1.0, 1.0, "ridge", "all")
    ended = solved_head({ridge: [0.5] * 4, strong: [0.4] * 4})
    whole = solved_head({ridge: [0.5] * 4, strong: [0.4] * 4, weak: [0.3] * 4})
    choice = Choice([ended, whole], [{weak: 1.0}, {strong: 1.0}], {ridge: 1.0})
    lines = choice_lines(choice, Recipe(freeze="backbone", head="best"))
    assert "held-out loss not known; in hindsight" in lines[1] and "inf" not in lines[1]
