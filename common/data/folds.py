"""Cross-validation folds: stratified, groups (near-duplicates, patients) kept in one fold; folds.csv."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

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
from common.run_files import NEVER, read_rows, reading
from common.storage import replacing

Rows = npt.NDArray[np.int64]
LEAST = 3  # rows at least: one held out, and two to train batch norm
MANY = 50_000_000  # groups times strata
ALONE = (
    0.9  # the share of rows that are the first of their group, where groups are rows but for a few
)
SMALL = 20  # a group is small when so many of it are not a fold


@dataclass(frozen=True)
class Split:
    """The fold of every row in every repeat [repeats, N], and the group of every row [N], text."""

    folds: npt.NDArray[np.int64]
    groups: npt.NDArray[np.object_]


def assign_folds(strata: npt.ArrayLike, groups: pd.Series, recipe: Recipe) -> npt.NDArray[np.int64]:
    """The fold of every row in every repeat: int64 [repeats, N]; -1 is never held out.

    Folds hold equal shares of each stratum [N]; rows of one group are always in one fold. With `folds=1`
    about `holdout` of the rows (as a fraction of at most tenths) are fold 0, and the rest is -1; with
    `folds=0` all are -1.

    Raises:
        KitError: fewer rows or groups than folds.
    """
    strata = np.asarray(strata)
    if not recipe.folds:
        return np.full((1, len(strata)), -1)
    share = Fraction(recipe.holdout).limit_denominator(10)
    if recipe.holdout < 0.1:
        share = Fraction(1, round(1 / recipe.holdout))
    parts = recipe.folds if recipe.folds > 1 else share.denominator
    if groups.nunique() < max(parts, LEAST):
        raise KitError(_too_few(groups.nunique(), parts, recipe))
    repeats = [
        _one_split(strata, groups, parts, recipe.split_seed + repeat)
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


def _one_split(strata: npt.NDArray[Any], groups: pd.Series, parts: int, seed: int) -> Rows:
    # Where groups are rows but for a few, in every stratum, a row of each stands for its group: the
    # splitter that knows groups takes 10 seconds for 50,000 rows, and minutes where strata are many.
    first = ~groups.duplicated().to_numpy()
    strata_of = pd.Series(first).groupby(strata).agg(["mean", "size"])
    often = strata_of["mean"][strata_of["size"] >= parts]  # rarer ones are in no fold's share
    alone = bool((often >= ALONE).all()) or first.sum() * len(strata_of) > MANY
    small = alone and groups.value_counts().max() * parts * SMALL <= len(groups)
    kept = np.flatnonzero(first) if small else np.arange(len(groups))
    of, own = strata[kept], groups.iloc[kept]
    grouped = own.nunique() < len(own)
    # Where every stratum is rarer than the folds there is nothing to stratify by.
    stratified = np.unique(of, return_counts=True)[1].max() >= parts
    kinds = {
        (True, True): StratifiedGroupKFold,
        (True, False): StratifiedKFold,
        (False, True): GroupKFold,
        (False, False): KFold,
    }
    splitter = kinds[bool(stratified), grouped](parts, shuffle=True, random_state=seed)
    fold = np.full(len(of), -1, dtype=np.int64)
    with warnings.catch_warnings():
        # A class rarer than the folds is ordinary here (dog-breed's miniature has classes of one).
        warnings.filterwarnings("ignore", message="The least populated class")
        for number, (_, held) in enumerate(splitter.split(of, of, own if grouped else None)):
            fold[held] = number
    whole: Rows = pd.Series(fold, index=own.to_numpy()).loc[groups].to_numpy() if small else fold
    return whole


def groups_of(table: pd.DataFrame, store: Store, how: str) -> pd.Series:
    """The group of every row of a table [N]: near-duplicates, identical files, none, or a CSV's.

    Where the table has groups of its own (patients, places), they are joined with shots and files.

    Args:
        table: rows with `id`, and `group` where the competition's files have any.
        store: the pixels of the table.
        how: near (near-duplicates), identical (the same file), none (not
            even the table's own), or a CSV file.

    Raises:
        KitError: the CSV lacks rows of the table.
    """
    if how == "none":
        return pd.Series(np.arange(len(table)).astype(str), index=table.index)
    if how in ("near", "identical"):
        found = near_groups(store) if how == "near" else pd.Series(store.digests)
        if "group" in table:
            found = pd.Series(joined_groups(found.tolist(), table["group"].tolist()))
        return found.set_axis(table.index)
    if not Path(how).is_file():
        raise KitError(f"groups={how} is none of near, identical, none, or a CSV file of id,group")
    listed = read_groups(Path(how))
    missing = sorted(set(table["id"]) - set(listed.index))
    if missing:
        raise KitError(f"groups={how} has no row for {first_of(missing)}: add them")
    return listed.loc[table["id"]].set_axis(table.index)


def joined_groups(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """Groups [N] in which rows that share a group of either kind, or of a chain of both, are one."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while (above := parent.setdefault(name, name)) != name:
            parent[name] = name = parent[above]
        return name

    for one, other in zip(first, second, strict=True):
        parent[root(f"1{one}")] = root(f"2{other}")
    return [root(f"1{one}") for one in first]


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


def sample_rows(strata: npt.ArrayLike, count: int, seed: int) -> Rows:
    """Positions of a stratified sample of `count` rows, in table order; all when count is 0.

    Every stratum [N] keeps at least one row, so a small sample of many may be a little larger.
    """
    strata = np.asarray(strata)
    if not 0 < count < len(strata):
        return np.arange(len(strata))
    shuffled = np.random.default_rng(seed).permutation(len(strata))
    kept = []
    for _, members in pd.Series(shuffled).groupby(strata[shuffled]):
        share = max(1, round(len(members) * count / len(strata)))
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
    """The folds and groups of these ids, joined by id.

    Raises:
        KitError: the file is damaged, or lacks one of them.
    """
    listed = read_folds(path)
    with reading(path, NEVER):
        wide = listed.pivot(index="id", columns="repeat", values="fold")
        if (absent := ~ids.isin(wide.index)).any():
            raise ValueError(f"it has no row of {first_of(ids[absent].tolist())}")
        folds = wide.loc[ids.to_numpy()].to_numpy().T.astype(np.int64)
    first = listed[listed["repeat"] == 0].set_index("id")["group"]
    return Split(folds, first.loc[ids.to_numpy()].to_numpy(dtype=object))


def read_folds(path: Path) -> pd.DataFrame:
    """What `write_split` wrote: `id, repeat, fold, group`.

    Raises:
        KitError: the file is damaged.
    """
    return read_rows(path, dtype={"id": str, "repeat": int, "fold": int, "group": str})
