"""The test images as a store, and the rows whose images cannot be read."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.data.pixels.bit_depth import bits_for
from common.data.pixels.store import Store, open_store
from common.data.pixels.store_writer import UnreadableError
from common.errors import KitError
from common.progress import counted, first_of
from common.recipe import Recipe
from common.runs import fingerprint
from common.workflow.request import Request


@dataclass(frozen=True)
class Unlabelled:
    """The test rows and the images that can be read.

    Attributes:
        table: every row, M of them.
        rows: int64 [N], the rows whose images can be read.
        store: the images of these.
        problem: the unreadable images in a sentence; empty if there are none.
    """

    table: pd.DataFrame
    rows: npt.NDArray[np.int64]
    store: Store
    problem: str

    @property
    def readable(self) -> pd.DataFrame:
        """The rows of the store."""
        return self.table.iloc[self.rows].reset_index(drop=True)

    @property
    def data(self) -> str:
        """The test set's fingerprint."""
        digests = np.full(len(self.table), "", dtype=object)
        digests[self.rows] = self.store.digests
        return fingerprint(self.table["id"].tolist(), digests.tolist())


def unlabelled(
    request: Request, table: pd.DataFrame, recipe: Recipe, known: Store, what: str = "the test set"
) -> Unlabelled:
    """The test table to its images, decoded as the training set's (`known`).

    Args:
        what: the table is, in words.

    Raises:
        KitError: images cannot be read, and `recipe` says unreadable=stop, or none can; 16-bit
            images hold larger values than the training set's.
    """
    bits, rows, problem = recipe.bit_depth or known.depth.bits, [*range(len(table))], ""
    opened = partial(open_store, side=recipe.store_short_side, bits=bits, cache=request.cache)
    try:
        store = opened(table)
    except UnreadableError as error:
        some, remedy = len(error.faults) < len(table), "; download them again"
        if recipe.unreadable == "stop" or not some:
            remedy += ", or give their rows the mean prediction (unreadable=mean)" if some else ""
            raise KitError(f"{what}: {error.told(remedy)}") from error
        rows, problem = sorted({*rows} - {*error.faults}), error.told("")
        store = opened(table.iloc[rows])
    found = Unlabelled(table, np.array(rows, np.int64), store, problem)
    _check_depth(found.readable, recipe, store, what)
    return found


def _check_depth(table: pd.DataFrame, recipe: Recipe, store: Store, what: str) -> None:
    """Raise a KitError if 16-bit images of the table hold larger values than the training set's bits."""
    beyond = store.depth.beyond
    if len(beyond) and not recipe.bit_depth:
        largest = int(store.depth.largest.max())
        raise KitError(
            f"{counted(len(beyond), 'image')} of {what} ({first_of(table['id'].iloc[beyond].tolist())}) "
            f"hold values up to {largest:,}, and those of the training set need {store.depth.bits} "
            f"bits, up to {(1 << store.depth.bits) - 1:,}: bit_depth={bits_for(largest)} reads both alike"
        )
