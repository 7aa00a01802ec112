"""Intervals of paired differences: they cover what they should, and heed groups."""

import numpy as np
import pytest

from common.inference.bootstrap import ScoredRows, gain_interval, paired_interval


def test_the_interval_is_that_of_the_normal_theory() -> None:
    gains = np.random.default_rng(1).normal(0.1, 1, 2000)
    found = paired_interval(gains, np.arange(2000))
    error = gains.std() / np.sqrt(2000)
    assert found.gain == pytest.approx(gains.mean())
    assert found.low == pytest.approx(gains.mean() - 1.96 * error, abs=0.1 * error)
    assert found.high == pytest.approx(gains.mean() + 1.96 * error, abs=0.1 * error)
    assert found == paired_interval(gains, np.arange(2000))


def test_no_difference_has_no_width() -> None:
    found = paired_interval(np.zeros(30), np.arange(30))
    assert (found.gain, found.low, found.high) == (0, 0, 0)


def test_copies_of_a_row_are_one_witness() -> None:
    gains = np.random.default_rng(2).normal(0, 1, 100)
    alone = paired_interval(gains, np.arange(100))
    fourfold = paired_interval(np.repeat(gains, 4), np.repeat(np.arange(100), 4))
    heedless = paired_interval(np.repeat(gains, 4), np.arange(400))
    assert fourfold.high - fourfold.low == pytest.approx(alone.high - alone.low)
    assert heedless.high - heedless.low < 0.6 * (alone.high - alone.low)


def test_rows_of_one_group_have_no_interval() -> None:
    gains = np.random.default_rng(3).normal(0, 1, 50)
    found = paired_interval(gains, np.repeat("one", 50))
    assert found.text == f"{gains.mean():+.4f} [no interval]"
    rows = ScoredRows(lambda weights: float(weights @ gains), None)
    other = gain_interval([rows], [rows], np.repeat("one", 50), higher_is_better=True)
    assert np.isnan([other.low, other.high]).all()
