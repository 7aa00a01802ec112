"""Folds: disjoint, stratified, grouped, repeatable, and kept by id."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy_shots import shot, stored

from common.data.folds import Split, assign_folds, groups_of, read_split, sample_rows, write_split
from common.recipe import Recipe

LABELS = pd.Series(["a"] * 60 + ["b"] * 30 + ["c"] * 10)
ALONE = pd.Series(np.arange(100).astype(str))


def test_every_row_is_held_out_once_and_every_fold_has_its_share_of_each_class() -> None:
    (fold,) = assign_folds(LABELS, ALONE, Recipe(folds=5))
    assert sorted(set(fold)) == [0, 1, 2, 3, 4]
    for number in range(5):
        assert LABELS[fold == number].value_counts().to_dict() == {"a": 12, "b": 6, "c": 2}


def test_the_training_seed_does_not_move_the_split_and_the_split_seed_does() -> None:
    one = assign_folds(LABELS, ALONE, Recipe(seed=1))
    assert np.array_equal(one, assign_folds(LABELS, ALONE, Recipe(seed=2)))
    assert not np.array_equal(one, assign_folds(LABELS, ALONE, Recipe(split_seed=2)))


def test_rows_of_one_group_are_never_on_two_sides() -> None:
    groups = pd.Series((np.arange(100) // 2).astype(str))
    (fold,) = assign_folds(LABELS, groups, Recipe(folds=5))
    assert (fold[0::2] == fold[1::2]).all()


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5])
def test_a_hold_out_is_its_share_and_the_rest_is_never_judged(share: float) -> None:
    (fold,) = assign_folds(LABELS, ALONE, Recipe(folds=1, holdout=share))
    assert (fold == 0).sum() == pytest.approx(100 * share, abs=2)
    assert ((fold == 0) | (fold == -1)).all()
    assert set(LABELS[fold == 0]) == {"a", "b"} | (
        {"c"} if share > 0.05 else set(LABELS[fold == 0])
    )


def test_repeats_draw_the_split_anew() -> None:
    folds = assign_folds(LABELS, ALONE, Recipe(repeats=3))
    assert folds.shape == (3, 100)
    assert not np.array_equal(folds[0], folds[1])


def test_classes_of_one_image_do_not_stop_the_split() -> None:
    labels = pd.Series([f"breed {i}" for i in range(100)])
    (fold,) = assign_folds(labels, ALONE, Recipe(folds=5))
    assert np.bincount(fold).tolist() == [20] * 5


def test_more_folds_than_rows_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="cannot make 200 folds: lower folds="):
        assign_folds(LABELS, ALONE, Recipe(folds=200))


def test_identical_files_are_one_group_and_a_csv_must_name_every_row(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": ["1e7", "2e7"]})
    store = stored(tmp_path, [shot(1), shot(1)])
    one, other = groups_of(table, store, "identical")
    assert one == other
    assert groups_of(table, store, "near").nunique() == 1
    assert groups_of(table, store, "none").nunique() == 2
    path = tmp_path / "groups.csv"
    path.write_text("id,group\n2e7,g\n1e7,h\n")
    assert groups_of(table, store, str(path)).tolist() == ["h", "g"]
    path.write_text("id,group\n2e7,g\n")
    with pytest.raises(ValueError, match="has no row for 1e7"):
        groups_of(table, store, str(path))
    path.write_text("id,group\n2e7,g\n1e7,h\n2e7,h\n")
    with pytest.raises(ValueError, match="more than one row for 2e7"):
        groups_of(table, store, str(path))
    with pytest.raises(ValueError, match="is none of near, identical"):
        groups_of(table, store, "identicall")


def test_rare_classes_in_groups_do_not_stop_the_split() -> None:
    labels = pd.Series([f"breed {i // 2}" for i in range(40)])
    groups = pd.Series([str(i // 2) for i in range(40)])
    (fold,) = assign_folds(labels, groups, Recipe(folds=5))
    assert (fold[0::2] == fold[1::2]).all()


def test_a_sample_keeps_the_classes_shares_and_every_class() -> None:
    rows = sample_rows(LABELS, 20, seed=0)
    assert LABELS[rows].value_counts().to_dict() == {"a": 12, "b": 6, "c": 2}
    assert set(LABELS[sample_rows(LABELS, 3, seed=0)]) == {"a", "b", "c"}
    assert len(sample_rows(LABELS, 0, seed=0)) == len(sample_rows(LABELS, 500, seed=0)) == 100


def test_written_folds_come_back_by_id_not_by_position(tmp_path: Path) -> None:
    ids = pd.Series([f"{i}e7" for i in range(100)])
    folds = assign_folds(LABELS, ALONE, Recipe(repeats=2))
    groups = np.array([f"0{i // 2}" for i in range(100)], dtype=object)
    write_split(tmp_path / "folds.csv", ids, Split(folds, groups))
    found = read_split(tmp_path / "folds.csv", ids[::-1].reset_index(drop=True))
    assert np.array_equal(found.folds, folds[:, ::-1])
    assert found.groups.tolist() == groups[::-1].tolist()


def test_an_answer_that_differs_within_groups_is_spread_over_the_folds() -> None:
    rng = np.random.default_rng(0)
    groups = pd.Series([f"patient {n}" for n in np.repeat(np.arange(400), 5)])
    cancer = np.zeros(2000, int)
    cancer[5 * rng.choice(400, 30, replace=False) + rng.integers(0, 5, 30)] = 1
    (fold,) = assign_folds(pd.Series(cancer), groups, Recipe(folds=5))
    assert np.bincount(fold[cancer == 1]).tolist() == [6] * 5
    assert (fold.reshape(400, 5) == fold.reshape(400, 5)[:, :1]).all()
