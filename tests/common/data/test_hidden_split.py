"""Carving: stratified, whole groups, no label lost, no name that tells."""

import numpy as np
import pandas as pd
import pytest

from common.data.folds import joined_groups
from common.data.hidden_split import blind_ids, hidden_rows


def own(count: int) -> list[str]:
    return [str(number) for number in range(count)]


@pytest.mark.parametrize("share", [0.1, 0.2, 0.37, 0.5])
def test_each_label_gives_its_share(share: float) -> None:
    labels = pd.Series(["a"] * 200 + ["b"] * 100 + ["c"] * 10)
    hidden = labels.iloc[hidden_rows(labels, own(310), share, 0)]
    assert len(hidden) == round(310 * share)
    for label, count in labels.value_counts().items():
        assert abs((hidden == label).sum() - count * share) <= 1


def test_rows_of_a_group_are_never_on_both_sides() -> None:
    rng = np.random.default_rng(0)
    labels = pd.Series(rng.choice(list("abc"), 300))
    groups = [str(name) for name in rng.integers(0, 80, 300)]
    hidden = set(hidden_rows(labels, groups, 0.3, 1).tolist())
    assert 60 < len(hidden) <= 90
    inside = {groups[row] for row in hidden}
    assert not inside & {groups[row] for row in range(300) if row not in hidden}


def test_no_label_is_hidden_whole() -> None:
    labels = pd.Series(["rare", *["a"] * 30, *["twins"] * 2])
    groups = [*own(31), "same", "same"]
    shown = set(range(33)) - set(hidden_rows(labels, groups, 0.9, 0).tolist())
    assert {labels[row] for row in shown} == {"rare", "a", "twins"}


def test_the_order_of_the_hidden_rows_tells_no_label() -> None:
    labels = pd.Series(sorted(["a"] * 100 + ["b"] * 100))
    rows = hidden_rows(labels, own(200), 0.5, 0)
    assert labels.iloc[rows].tolist() != sorted(labels.iloc[rows])
    assert rows.tolist() != sorted(rows.tolist())


def test_the_same_seed_hides_the_same_rows_and_another_seed_others() -> None:
    labels = pd.Series(["a", "b"] * 50)
    first, again, other = (hidden_rows(labels, own(100), 0.2, seed) for seed in (0, 0, 1))
    assert first.tolist() == again.tolist()
    assert set(first.tolist()) != set(other.tolist())


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0, "is no share"),
        (1.0, "is no share"),
        (float("nan"), "is no share"),
        (0.01, "two are the least"),
    ],
)
def test_a_share_that_hides_nothing_or_all_is_refused(share: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        hidden_rows(pd.Series(["a", "b"] * 10), own(20), share, 0)


def test_groups_of_two_kinds_join_along_chains() -> None:
    joined = joined_groups(["x", "x", "y", "z", "w"], ["1", "2", "2", "3", "4"])
    assert joined[0] == joined[1] == joined[2]
    assert len(set(joined)) == 3


def test_a_name_that_tells_the_label_is_replaced_and_no_other() -> None:
    ids = blind_ids(["cat/1.jpg", "2.jpg", "dog/3.jpg"], ["cat", "cat", "cat"])
    assert ids[1:] == ["2.jpg", "dog/3.jpg"]
    assert "cat" not in ids[0]
    assert ids[0].startswith("test/")
    assert ids[0].endswith(".jpg")
