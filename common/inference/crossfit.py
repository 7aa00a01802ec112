"""Cross-fitting: split rows into parts; each part is evaluated with parameters fitted on the others."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.data.folds import Rows
from common.targets import Strata


def halves(strata: Strata, groups: npt.ArrayLike) -> Rows:
    """Split rows into two halves, stratified and respecting groups: 0 or 1 per row [N].

    Groups alternate between the halves, in the order of their first row's stratum."""
    codes, firsts = pd.factorize(np.asarray(groups))
    first = np.full(len(firsts), -1, dtype=np.int64)
    first[codes[::-1]] = strata[::-1]  # the last write is the first row's
    half = np.empty(len(firsts), dtype=np.int64)
    half[np.argsort(first, kind="stable")] = np.arange(len(firsts)) % 2
    return half[codes]


def crossfit_parts(folds: npt.NDArray[np.int64], strata: Strata, groups: npt.ArrayLike) -> Rows:
    """Fold assignments [repeats, N] (-1: not held out) to a part number per row [N].

    A row's part is its fold in the first repeat that holds it out. With a single fold (a hold-out)
    the rows are split in two halves.
    """
    repeat = (folds >= 0).argmax(axis=0)
    found = folds[repeat, np.arange(folds.shape[1])]
    assert (found >= 0).all(), "a row that no fold holds out has no part"
    return found if len(np.unique(found)) > 1 else halves(strata, groups)
