"""One true label, and several answers with the best first: MAP@k and top-1 error."""

from functools import partial

import numpy as np

from common.errors import KitError
from common.metrics.metric import Answers, Metric, RowScores, Truth, mean_of_rows


def reciprocal_ranks(k: int, truth: Truth, answers: Answers) -> RowScores:
    """1 / place of the true label among the first k answers, 0 where it is not there.

    The place is that in the file, repeated answers included, and only the first time counts: so
    does Kaggle's own `apk`, and so do the graders published for its competitions.
    """
    found = answers[:, :k] == truth[:, None]
    if not found.shape[1]:
        return np.zeros(len(truth))
    return np.where(found.any(axis=1), 1 / (found.argmax(axis=1) + 1), 0.0)


def misses(truth: Truth, answers: Answers) -> RowScores:
    """1 for each row whose first answer is wrong, else 0."""
    return 1 - reciprocal_ranks(1, truth, answers)


def map_at(name: str, k: int) -> Metric:
    """The mean of the reciprocal ranks among k answers."""
    if k < 1:
        raise KitError(f"{name}: the number after map is at least 1")
    rows = partial(reciprocal_ranks, k)
    return Metric(
        name=name,
        form="ranked",
        higher_is_better=True,
        prepare=partial(mean_of_rows, rows),
        rows=rows,
        depth=k,
    )


RETRIEVAL = (
    Metric(
        name="top1_error",
        form="ranked",
        higher_is_better=False,
        prepare=partial(mean_of_rows, misses),
        rows=misses,
        depth=1,
    ),
)
