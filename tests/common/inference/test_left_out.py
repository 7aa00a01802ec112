"""What has no score in a fold is named, beside the mean over folds that it is missing from."""

import numpy as np
import pytest

from common.inference.evaluator import Evaluator
from common.inference.out_of_fold import FoldProbs, cv_scores, left_out
from common.metrics import metric_named
from common.targets import Numbers, YesNo

HOLE = float("nan")
Y = np.array([[1, 5, HOLE], [2, 6, HOLE], [3, HOLE, HOLE], [4, HOLE, HOLE]], np.float64)
FOLDS = [FoldProbs(rows, np.zeros((2, 3), np.float32)) for rows in (np.arange(2), np.arange(2, 4))]


def told(y: np.ndarray, count: int = 3) -> list[str]:
    names = tuple(f"c{at}" for at in range(count))
    evaluator = Evaluator(Numbers(names=names), metric_named("mean_column_rmse"))
    folds = [FoldProbs(fold.rows, np.zeros((2, count), np.float32)) for fold in FOLDS]
    return left_out(folds, cv_scores(folds, y, evaluator)["fold_scores"], y, evaluator)


def test_a_column_that_one_fold_lacks_is_named_there_and_one_that_all_lack_once() -> None:
    assert told(Y) == [
        "column 'c2' holds no value and counts nowhere",
        "fold1: column 'c1' holds no value and counts nowhere",
    ]
    assert told(np.nan_to_num(Y)) == []


def test_of_many_columns_the_first_are_named_and_the_others_counted() -> None:
    y = np.ones((4, 9))
    y[2:, 1:] = HOLE
    (line,) = told(y, 9)
    assert line.startswith("fold1: column 'c1' holds no value")
    assert line.endswith("column 'c3' holds no value and counts nowhere; and 5 more")


@pytest.mark.parametrize("metric", ["balanced_accuracy", "macro_recall"])
def test_a_fold_without_a_yes_is_told_so_and_one_without_a_no_too(metric: str) -> None:
    evaluator = Evaluator(YesNo(names=("cancer",)), metric_named(metric))
    y = np.array([[0], [0], [1], [1]], np.float64)
    folds = [FoldProbs(fold.rows, np.full((2, 1), 0.3, np.float32)) for fold in FOLDS]
    scores = cv_scores(folds, y, evaluator)["fold_scores"]
    assert scores == [1, 0]
    assert left_out(folds, scores, y, evaluator) == [
        "fold0: no row is 'cancer': it has no recall and counts nowhere",
        "fold1: no row is 'not cancer': it has no recall and counts nowhere",
    ]


def test_rows_without_a_known_cell_or_of_weight_0_are_not_counted_as_scored() -> None:
    evaluator = Evaluator(Numbers(names=("c0", "c1", "c2")), metric_named("rmse"))
    y = Y.copy()
    y[3] = HOLE
    assert cv_scores(FOLDS, Y, evaluator)["n"] == 4
    assert cv_scores(FOLDS, y, evaluator)["n"] == 3
    assert cv_scores(FOLDS, y, evaluator, np.array([0.0, 2, 1, 1]))["n"] == 2
