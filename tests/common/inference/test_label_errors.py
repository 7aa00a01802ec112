"""Confident learning: flipped labels come first, each column by itself, and as cleanlab finds them."""

import numpy as np
import pytest
from toy_answers import classes

from common.errors import KitError
from common.inference.label_errors import confident_joint, label_errors
from common.targets import Grades, LabelSet, Numbers, YesNo


def flipped(
    count: int, rows: int = 1000, share: float = 0.05, sure: float = 4.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probs of a fair model, given labels, and which of these are wrong."""
    rng = np.random.default_rng(seed)
    true, wrong = rng.integers(0, count, rows), rng.random(rows) < share
    given = np.where(wrong, (true + rng.integers(1, count, rows)) % count, true)
    logits = rng.normal(size=(rows, count))
    logits[np.arange(rows), true] += sure
    probs = np.exp(logits)
    return (probs / probs.sum(axis=1, keepdims=True)).astype(np.float32), given, wrong


def test_flipped_labels_are_found_the_likeliest_first_with_the_class_they_had() -> None:
    probs, given, wrong = flipped(5)
    found = label_errors(classes(5), probs, given)
    assert wrong[found.rows].mean() > 0.8
    assert wrong[found.rows].sum() > 0.8 * wrong.sum()
    assert wrong[found.rows[: len(found.rows) // 2]].all()
    assert (found.suggested == probs[found.rows].argmax(axis=1)).all()
    assert (np.diff(found.scores) >= 0).all()
    assert found.scores[-1] < 0.5
    assert 0.03 < found.share < 0.08


def test_the_joint_counts_a_row_for_the_likeliest_class_whose_threshold_it_reaches() -> None:
    probs = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9], [0.3, 0.7]])
    # thresholds: 0.6 of class 0 and 0.8 of class 1, so that the last row counts nowhere
    joint = confident_joint(probs, np.array([0, 0, 0, 1, 1]))
    assert joint.tolist() == [[2, 1], [0, 2]]


def test_a_model_that_knows_nothing_names_few_and_no_class_loses_all_of_its_rows() -> None:
    rng = np.random.default_rng(1)
    probs = rng.dirichlet(np.ones(20), 60).astype(np.float32)
    y = np.concatenate([np.arange(20), rng.integers(0, 19, 40)])
    found = label_errors(classes(20), probs, y)
    assert set(np.delete(y, found.rows)) == set(y)


def test_each_label_of_a_set_and_yes_or_no_are_judged_by_themselves() -> None:
    columns = [flipped(2, seed=seed) for seed in (1, 2)]
    probs = np.stack([each[0][:, 1] for each in columns], axis=1)
    y = np.stack([each[1] for each in columns], axis=1).astype(float)
    wrong = np.stack([each[2] for each in columns], axis=1)
    found = label_errors(LabelSet(names=("a", "b")), probs, y)
    changed = found.suggested != y[found.rows]
    assert changed.any(axis=1).all()
    assert wrong[found.rows][changed].mean() > 0.8
    alone = label_errors(YesNo(names=("yes",)), probs[:, :1], y[:, :1])
    assert set(alone.rows) == set(found.rows[changed[:, 0]])


def test_grades_are_compared_as_classes_and_numbers_are_refused() -> None:
    probs, given, _ = flipped(3)
    same = label_errors(Grades(names=("0", "1", "2"), lowest=0, highest=2), probs, given)
    assert same.rows.tolist() == label_errors(classes(3), probs, given).rows.tolist()
    with pytest.raises(KitError, match="a target of kind numbers has none"):
        label_errors(Numbers(names=("height",)), probs[:, :1], probs[:, :1])


@pytest.mark.parametrize(("count", "rows"), [(3, 600), (10, 2000), (50, 1000)])
def test_cleanlab_finds_the_same_rows(count: int, rows: int) -> None:
    counting, filtering = (pytest.importorskip(f"cleanlab.{name}") for name in ("count", "filter"))
    probs, given, _ = flipped(count, rows)
    raw = counting.compute_confident_joint(given, probs, calibrate=False)
    scaled = raw / raw.sum(axis=1, keepdims=True) * np.bincount(given)[:, None]
    assert np.allclose(confident_joint(probs.astype(float), given), scaled)
    theirs = np.flatnonzero(filtering.find_label_issues(given, probs, filter_by="both", n_jobs=1))
    ours = label_errors(classes(count), probs, given).rows
    both = len(np.intersect1d(ours, theirs))
    assert both >= 0.9 * max(len(ours), len(theirs))  # counts are rounded in other ways
