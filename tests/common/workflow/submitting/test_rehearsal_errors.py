"""Standard errors of a rehearsal's scores: of rows, of whole groups, of weighted rows."""

import math

import numpy as np
import pytest
from toy_answers import evaluator

from common.inference.bootstrap import ScoredRows
from common.metrics import metric_named
from common.workflow.submitting.rehearsal import BINOMIAL, Spread, spread_of, standard_error


def test_a_perfect_score_on_few_rows_is_not_without_error() -> None:
    error = standard_error(1.0, 50, Spread(0.0, BINOMIAL, 50))
    assert error == pytest.approx(math.sqrt(0.01 * 0.99 / 50))
    assert standard_error(0.4, 25, Spread(2.0, "of the rows' scores", 90)) == pytest.approx(0.4)


def test_the_standard_error_is_of_whole_groups_and_of_weighted_rows() -> None:
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(20), 40)
    right = rng.random(800) < np.repeat(rng.beta(2, 1, 20), 40)  # patients differ
    truth = rng.integers(0, 2, 800)
    probs = np.eye(2, dtype=np.float32)[np.where(right, truth, 1 - truth)] * 0.8 + 0.1
    by_patient = np.std(right.reshape(20, 40).mean(axis=1)) / math.sqrt(20)
    weights = np.where(np.arange(800) % 10 == 0, 1.0, 0.001)
    for name in ("accuracy", "log_loss"):
        scored = ScoredRows.of(evaluator(name), probs, truth)
        errors = [
            standard_error(0.7, 800, spread_of(scored, metric_named(name), groups.tolist(), some))
            for groups, some in (
                (np.arange(800), None),
                (patients, None),
                (np.arange(800), weights),
                (np.zeros(800), None),
            )
        ]
        factor = by_patient / math.sqrt(0.7 * 0.3 / 800)
        assert errors[1] / errors[0] == pytest.approx(factor, rel=0.15)
        assert errors[2] / errors[0] == pytest.approx(math.sqrt(10), rel=0.15)
        assert np.isnan(errors[3])
