"""Cross-validation folds: stratified by label, groups (near-duplicates) kept in one fold; folds.csv."""

import math
import warnings
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from common.data.duplicates.groups import near_groups
from common.data.pixels.store import Store
from common.data.table import read_csv
from common.errors import KitError
from common.progress import counted, first_of
from common.recipe import Recipe
from common.storage import replacing

Rows = npt.NDArray[np.int64]
LEAST = 3  # rows at least: one held out, and two to train batch norm
SMALL = 20  # a group is small when so many of it are not a fold


@dataclass(frozen=True)
class Split:
    """The fold of every row in every repeat [repeats, N], and the group of every row [N], text."""

    folds: npt.NDArray[np.int64]
    groups: npt.NDArray[np.object_]


def assign_folds(labels: pd.Series, groups: pd.Series, recipe: Recipe) -> npt.NDArray[np.int64]:
    """The fold of every row in every repeat: int64 [repeats, N]; -1 is never held out.

    Stratified by label; rows of one group are always in one fold. With `folds=1` about `holdout` of the
    rows (as a fraction of at most tenths) are fold 0, and the rest is -1; with `folds=0` all are -1.

    Raises:
        KitError: fewer rows or groups than folds.
    """
    if not recipe.folds:
        return np.full((1, len(labels)), -1)
    share = Fraction(recipe.holdout).limit_denominator(10)
    if recipe.holdout < 0.1:
        share = Fraction(1, round(1 / recipe.holdout))
    parts = recipe.folds if recipe.folds > 1 else share.denominator
    if groups.nunique() < max(parts, LEAST):
        raise KitError(_too_few(groups.nunique(), parts, recipe))
    repeats = [
        _one_split(labels, groups, parts, recipe.split_seed + repeat)
        for repeat in range(recipe.repeats)
    ]
    folds = np.stack(repeats)
    return np.where(folds < share.numerator, 0, -1) if recipe.folds == 1 else folds


def _too_few(count: int, parts: int, recipe: Recipe) -> str:
    """The error message for too few rows to split, with the remedy."""
    rows = f"{counted(count, 'separate row')} (groups counted once)"
    if count < LEAST:
        return f"{rows} are too few to hold one out: folds=0 final=refit trains on all, without validation"
    if recipe.folds == 1:
        return (
            f"{rows} cannot have holdout={recipe.holdout:g} of them held out, which takes {parts} or "
            f"more: say holdout={math.ceil(100 / count) / 100:g}, or folds=0 final=refit to train on all"
        )
    return f"{rows} cannot make {parts} folds: lower folds= to {count} or less"


def _one_split(labels: pd.Series, groups: pd.Series, parts: int, seed: int) -> Rows:
    # Where groups are rows but for a few, a row of each stands for its group: the splitter that
    # knows groups takes 14 seconds for 50,000 rows.
    small = groups.value_counts().max() * parts * SMALL <= len(groups)
    kept = np.flatnonzero(~groups.duplicated()) if small else np.arange(len(groups))
    names, own = labels.iloc[kept], groups.iloc[kept]
    grouped = own.nunique() < len(own)
    # Where every class is rarer than the folds there is nothing to stratify by.
    stratified = names.value_counts().max() >= parts
    kinds = {
        (True, True): StratifiedGroupKFold,
        (True, False): StratifiedKFold,
        (False, True): GroupKFold,
        (False, False): KFold,
    }
    splitter = kinds[bool(stratified), grouped](parts, shuffle=True, random_state=seed)
    fold = np.full(len(names), -1, dtype=np.int64)
    with warnings.catch_warnings():
        # A class rarer than the folds is ordinary here (dog-breed's miniature has classes of one).
        warnings.filterwarnings("ignore", message="The least populated class")
        for number, (_, held) in enumerate(splitter.split(names, names, own if grouped else None)):
            fold[held] = number
    whole: Rows = pd.Series(fold, index=own.to_numpy()).loc[groups].to_numpy() if small else fold
    return whole


def groups_of(table: pd.DataFrame, store: Store, how: str) -> pd.Series:
    """The group of every row of a table [N]: near-duplicates, identical files, none, or a CSV's.

    Args:
        table: rows with `id`.
        store: the pixels of the table.
        how: near (near-duplicates), identical (the same file), none, or a CSV file.

    Raises:
        KitError: the CSV lacks rows of the table.
    """
    if how == "none":
        return pd.Series(np.arange(len(table)).astype(str), index=table.index)
    if how == "near":
        return near_groups(store).set_axis(table.index)
    if how == "identical":
        return pd.Series(store.digests, index=table.index)
    if not Path(how).is_file():
        raise KitError(f"groups={how} is none of near, identical, none, or a CSV file of id,group")
    listed = read_groups(Path(how))
    missing = sorted(set(table["id"]) - set(listed.index))
    if missing:
        raise KitError(f"groups={how} has no row for {first_of(missing)}: add them")
    return listed.loc[table["id"]].set_axis(table.index)


def read_groups(path: Path) -> pd.Series:
    """A CSV of id,group as a series of groups by id.

    Raises:
        KitError: an id has more than one row.
    """
    listed = read_csv(path, columns=("id", "group")).set_index("id")["group"]
    twice = sorted(set(listed.index[listed.index.duplicated()]))
    if twice:
        raise KitError(f"groups={path} has more than one row for {first_of(twice)}: keep one")
    return listed


def sample_rows(labels: pd.Series, count: int, seed: int) -> Rows:
    """Positions of a stratified sample of `count` rows, in table order; all when count is 0.

    Every class keeps at least one row, so a small sample of many classes may be a little larger.
    """
    if not 0 < count < len(labels):
        return np.arange(len(labels))
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    kept = []
    for _, members in pd.Series(shuffled).groupby(labels.to_numpy()[shuffled]):
        share = max(1, round(len(members) * count / len(labels)))
        kept.append(members.to_numpy()[:share])
    return np.sort(np.concatenate(kept))


def write_split(path: Path, ids: pd.Series, split: Split) -> None:
    """Write `id, repeat, fold, group` rows to a CSV, atomically."""
    repeats = [
        pd.DataFrame({"id": ids.to_numpy(), "repeat": repeat, "fold": fold, "group": split.groups})
        for repeat, fold in enumerate(split.folds)
    ]
    with replacing(path) as temporary:
        pd.concat(repeats).to_csv(temporary, index=False, lineterminator="\n")


def read_split(path: Path, ids: pd.Series) -> Split:
    """The folds and groups of these ids, joined by id."""
    listed = pd.read_csv(path, dtype={"id": str, "group": str}, keep_default_na=False)
    wide = listed.pivot(index="id", columns="repeat", values="fold")
    first = listed[listed["repeat"] == 0].set_index("id")["group"]
    folds = wide.loc[ids.to_numpy()].to_numpy().T.astype(np.int64)
    return Split(folds, first.loc[ids.to_numpy()].to_numpy(dtype=object))
