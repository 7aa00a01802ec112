"""Who judges what was fitted: rows in parts, so that each part meets what the others chose."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.data.folds import Rows
from common.metrics import Targets


def halves(targets: Targets, groups: npt.ArrayLike) -> Rows:
    """0 or 1 for every row [N]: groups dealt out in turn, label by label, by their first rows."""
    codes, firsts = pd.factorize(np.asarray(groups))
    first = np.full(len(firsts), -1, dtype=np.int64)
    first[codes[::-1]] = targets[::-1]  # the last write is the first row's
    side = np.empty(len(firsts), dtype=np.int64)
    side[np.argsort(first, kind="stable")] = np.arange(len(firsts)) % 2
    return side[codes]


def parts_of(folds: npt.NDArray[np.int64], targets: Targets, groups: npt.ArrayLike) -> Rows:
    """The part of every row [N], from its folds [repeats, N]: its first fold, or two halves.

    A row's fold is that of the first repeat that holds it out. Where there is one fold alone (a
    hold-out), its rows are halved.
    """
    repeat = (folds >= 0).argmax(axis=0)
    found = folds[repeat, np.arange(folds.shape[1])]
    assert (found >= 0).all(), "a row that no fold holds out has no part"
    return found if len(np.unique(found)) > 1 else halves(targets, groups)
