"""Answers of every kind reach the solvers beside the rows that they belong to."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from common.inference.feature_table import AT_ONCE, FeatureTable
from common.training.solved.paths import path_of
from common.training.solved.principal import Part, principal


@pytest.mark.parametrize(("head", "penalty", "close"), [("ridge", 1.0, 1e-9), ("svr", 0.01, 1e-4)])
def test_a_number_that_some_rows_lack_is_learnt_from_two_views_as_from_its_rows_alone(
    head: str, penalty: float, close: float
) -> None:
    rng, count = np.random.default_rng(0), 2 * AT_ONCE + 500
    plain = rng.normal(size=(count, 6))
    x = np.stack([plain, plain + 0.1 * rng.normal(size=plain.shape)]).astype(np.float32)
    y = plain @ rng.normal(size=(6, 2))
    y[rng.random(count) < 0.3, 1] = np.nan
    target: Any = SimpleNamespace(outputs=("a", "b"), scaling=(0.0, 1.0))

    def layer(rows: Any, answers: Any) -> Any:
        of = principal(Part(FeatureTable([[x]]), rows))
        return next(path_of(head, of, answers[of.part.places], target, [penalty], one_of=False))

    weight, bias = layer(np.arange(count), y)
    known = np.flatnonzero(np.isfinite(y[:, 1]))
    alone, bias_alone = layer(known, y[known])
    assert np.abs(weight[1] - alone[1]).max() < close and abs(bias[1] - bias_alone[1]) < close


def test_a_grade_is_regressed_as_a_number_and_cut_halfway_between_grades() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 5)).astype(np.float32)
    grade = np.clip(np.round(x[:, 0] + 1.5), 0, 3).astype(int)
    above = (grade[:, None] > np.arange(3)).astype(np.float32)
    target: Any = SimpleNamespace(outputs=(">0", ">1", ">2"), scaling=((), ()))
    of = principal(Part(FeatureTable([[x[None]]]), np.arange(len(x))))
    weight, bias = next(path_of("svr", of, above, target, [1.0], one_of=False))
    found = x @ weight.T + bias
    assert np.allclose(found[:, :1] - found, np.arange(3), atol=1e-6)
    assert ((found > 0).sum(axis=1) == grade).mean() > 0.9
