"""Answers of every kind reach the solvers beside the rows that they belong to."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from common.inference.feature_table import AT_ONCE, FeatureTable
from common.training.solved.paths import path_of
from common.training.solved.principal import Part, principal


def test_a_number_that_some_rows_lack_is_learnt_from_two_views_as_from_its_rows_alone() -> None:
    rng, count = np.random.default_rng(0), 2 * AT_ONCE + 500
    plain = rng.normal(size=(count, 6))
    x = np.stack([plain, plain + 0.1 * rng.normal(size=plain.shape)]).astype(np.float32)
    y = plain @ rng.normal(size=(6, 2))
    y[rng.random(count) < 0.3, 1] = np.nan
    target: Any = SimpleNamespace(outputs=("a", "b"), scaling=(0.0, 1.0))

    def layer(rows: Any, answers: Any) -> Any:
        of = principal(Part(FeatureTable([[x]]), rows))
        return next(path_of("ridge", of, answers[of.part.places], target, [1.0], one_of=False))

    weight, bias = layer(np.arange(count), y)
    known = np.flatnonzero(np.isfinite(y[:, 1]))
    alone, bias_alone = layer(known, y[known])
    assert np.abs(weight[1] - alone[1]).max() < 1e-9 and abs(bias[1] - bias_alone[1]) < 1e-9
