"""Report how a store's images were converted to 8-bit RGB: alpha, bit depth, extra bands, repairs."""

from collections.abc import Sequence

import numpy as np

from common.data.pixels.bit_depth import bits_for
from common.data.pixels.channels import ALPHA, BANDS, DEEP
from common.data.pixels.store import Store
from common.progress import counted, first_of

FEW = 16  # grey levels: fewer are called a problem
WHITE = 255


def conversions(store: Store, ids: Sequence[str] = ()) -> list[str]:
    """A line for each kind of file that is not stored as it is; `ids` name its rows."""
    found = []
    if mended := store.mended:
        names = ids or [f"row {row}" for row in range(len(store))]
        named = first_of([f"{names[row]}: {reason}" for row, reason in sorted(mended.items())], 3)
        found.append(f"{_of(len(mended), store)} read all the same, no pixel is missing ({named})")
    if count := _count(store, ALPHA):
        found.append(f"{_of(count, store)} with an alpha channel: composited on white")
    if count := _count(store, DEEP):
        depth, largest = store.depth, int(store.depth.largest.max())
        found.append(
            f"{_of(count, store)} of more than 8 bits, values up to {largest:,}: read as "
            f"{depth.bits} bits, of which the upper 8 are kept"
        )
        if cut := len(depth.beyond):
            found.append(
                f"{_of(cut, store)} with values above {_white(store):,}: they are cut off there"
            )
    if count := _count(store, BANDS):
        found.append(f"{_of(count, store)} with bands beyond their colours: those are dropped")
    return found


def pixel_problems(store: Store) -> list[str]:
    """Images of which compositing or 8 bits leave little, a sentence each."""
    found = []
    alpha = np.flatnonzero(store.channels & ALPHA)
    if blank := sum(bool((store[row] == WHITE).all()) for row in alpha.tolist()):
        found.append(
            f"{blank:,} of {counted(len(alpha), 'image')} with an alpha channel show nothing on "
            "white: where they are drawn in white, put them on another colour first"
        )
    return found + dark_problems(store)


def dark_problems(store: Store) -> list[str]:
    """A sentence where some deep images are so much darker than others that 8 bits lose them."""
    deep, depth = store.depth.largest[(store.channels & DEEP) > 0], store.depth
    dark = deep[deep >> max(depth.bits - 8, 0) < FEW]
    if depth.bits <= 8 or not len(dark):
        return []
    return [
        f"{len(dark):,} of {counted(len(deep), 'image')} of more than 8 bits reach no more than "
        f"{int(dark.max()):,} of {_white(store):,}, which leaves them {FEW} grey levels or fewer: "
        f"bit_depth={bits_for(int(dark.max()))} shows them and cuts the others off, or scale "
        "the files alike"
    ]


def _white(store: Store) -> int:
    return (1 << store.depth.bits) - 1


def _count(store: Store, flag: int) -> int:
    return int(((store.channels & flag) > 0).sum())


def _of(count: int, store: Store) -> str:
    return f"{count:,} of {counted(len(store), 'image')}"
