"""Cross-fitting: split rows into parts; each part is evaluated with parameters fitted on the others."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.data.folds import Rows
from common.targets import Strata


def halves(strata: Strata, groups: npt.ArrayLike) -> Rows:
    """Split rows into two halves, stratified and respecting groups: 0 or 1 per row [N].

    Groups alternate between the halves, in the order of their first row's stratum. Rows of a single
    group are split one by one."""
    codes, firsts = pd.factorize(np.asarray(groups))
    if len(firsts) == 1:
        codes = firsts = np.arange(len(codes))
    first = np.full(len(firsts), -1, dtype=np.int64)
    first[codes[::-1]] = strata[::-1]  # the last write is the first row's
    half = np.empty(len(firsts), dtype=np.int64)
    half[np.argsort(first, kind="stable")] = np.arange(len(firsts)) % 2
    return half[codes]


def told_if_not_apart(held_out: Sequence[Rows], groups: npt.ArrayLike) -> str:
    """A sentence where what is fitted on held-out rows is judged on the same ones or on their group; ''.

    `held_out` are the rows of each fold, `groups` those of the whole table.
    """
    rows = np.unique(np.concatenate(held_out))
    if len(pd.unique(np.asarray(groups)[rows])) == 1:
        return (
            "all held-out rows are one group: what is fitted on them is judged on rows of the same"
        )
    if len(held_out) > 1 and any(len(each) == len(rows) for each in held_out):
        return "a repeat holds out all rows that others do: what is fitted on them is judged on the same"
    return ""


def crossfit_parts(folds: npt.NDArray[np.int64], strata: Strata, groups: npt.ArrayLike) -> Rows:
    """Fold assignments [repeats, N] (-1: not held out) to a part number per row [N].

    A row's part is its fold in the first repeat that holds it out. With a single fold (a hold-out)
    the rows are split in two halves.
    """
    repeat = (folds >= 0).argmax(axis=0)
    found = folds[repeat, np.arange(folds.shape[1])]
    assert (found >= 0).all(), "a row that no fold holds out has no part"
    return found if len(np.unique(found)) > 1 else halves(strata, groups)
