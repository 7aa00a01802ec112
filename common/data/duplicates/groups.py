"""Duplicate pairs and groups of a store: *same* (equal pixels) and *near* (same photo, altered).

*near* means resized, recompressed, mirrored, shifted, slightly cropped or recoloured. Of images below 16
pixels and of those with few edges (silhouettes, skies) only equal pixels count, since near-duplicates and
similar photos cannot be told apart there. Results are cached beside the stores.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations, product

import numpy as np
import pandas as pd

from common.data.duplicates.search import VIEWS, candidates, thumbnail
from common.data.duplicates.verify import NEVER, PLAIN, distance, edges
from common.data.parallel import in_order
from common.data.pixels.store import Store
from common.progress import bar, say
from common.storage import locked, replacing

VERSION = 1  # of the search: another one finds anew
SMALLEST = 16  # pixels of the shorter side: below, a shot and a look-alike cannot be told apart
LISTED = 50  # copies of one image that are listed pair by pair; of more, each beside the first
GROUP, SHARE = 10, 0.02  # a group of near images has at most so many rows, or this share of them
PER_TASK = 256
COLUMNS = ["a", "b", "kind", "distance"]

Pair = tuple[int, int, str, float]


def within(store: Store, threads: int = 2) -> pd.DataFrame:
    """Pairs of rows of a store, `a` < `b`: columns `a, b, kind, distance`, by row.

    `kind` is `same` (distance 0) or `near`; the distance is 1 - the likeness after alignment.
    """
    return _cached_pairs([store], threads)


def across(first: Store, second: Store, threads: int = 2) -> pd.DataFrame:
    """Pairs of a row of `first` (`a`) and one of `second` (`b`): columns as of `within`."""
    return _cached_pairs([first, second], threads)


def near_groups(store: Store) -> pd.Series:
    """A store to the duplicate group of every row [N]: connected components of same and near pairs.

    Chains may connect similar but different photos (ships before a horizon). So a group of more than
    ten rows and more than 2 % of all is rejected: there only equal pixels are grouped, and a message
    says so.
    """
    pairs = within(store)
    groups = _components(len(store), pairs)
    sizes = groups.map(groups.value_counts())
    too_large = sizes > most_in_a_group(len(store))
    if too_large.any():
        say(
            f"near-duplicates link {sizes.max():,} of {len(store):,} images into one group, too many "
            "to be one photo: there only images of equal pixels are kept in one fold (groups= takes "
            "a CSV of your own)"
        )
        exact = _components(len(store), pairs[pairs["kind"] == "same"])
        groups = groups.where(~too_large, exact)
    return groups.astype(str)


def most_in_a_group(rows: int) -> int:
    """The largest accepted size of a near-duplicate group among `rows` rows."""
    return max(GROUP, int(SHARE * rows))


def _components(rows: int, pairs: pd.DataFrame) -> pd.Series:
    """The smallest row that each row is linked to [N]."""
    above = np.arange(rows)

    def root(row: int) -> int:
        while above[row] != row:
            above[row] = row = above[above[row]]
        return row

    for a, b in zip(pairs["a"].tolist(), pairs["b"].tolist(), strict=True):
        one, other = sorted((root(a), root(b)))
        above[other] = one
    return pd.Series([root(row) for row in range(rows)])


def _cached_pairs(stores: list[Store], threads: int) -> pd.DataFrame:
    """The pairs, read where they were found before."""
    words = f"{VERSION} " + " ".join(store.folder.name for store in stores)
    key = hashlib.blake2b(words.encode(), digest_size=16).hexdigest()
    path = stores[0].folder.parents[1] / "duplicates" / f"{key}.csv"
    if not path.is_file():
        with locked(path):
            if not path.is_file():
                found = sorted(_search(stores, threads))
                with replacing(path) as temporary:
                    pd.DataFrame(found, columns=COLUMNS).to_csv(temporary, index=False)
    return pd.read_csv(path, dtype={"a": int, "b": int, "kind": str, "distance": float})


def _search(stores: list[Store], threads: int) -> Iterator[Pair]:
    copies = [_copies(store) for store in stores]
    one, other = copies[0], copies[-1]
    if len(stores) == 1:
        yield from _same_within(one.values())
    else:
        for content in one.keys() & other.keys():
            yield from _listed(one[content], other[content], "same", 0.0)
    # From here on one row speaks for all of its content.
    of = [{rows[0]: rows for rows in each.values()} for each in copies]
    known = [{rows[0]: content for content, rows in each.items()} for each in copies]
    for a, b, apart in _near(stores, [list(rows) for rows in of], threads):
        for x, y, kind, value in _listed(of[0][a], of[-1][b], "near", apart):
            if len(stores) == 1:
                yield min(x, y), max(x, y), kind, value
            elif known[0][a] != known[1][b]:
                yield x, y, kind, value


def _copies(store: Store) -> dict[bytes, list[int]]:
    """The rows of each content, by a digest of shape and pixels."""
    rows: dict[bytes, list[int]] = defaultdict(list)
    for row in range(len(store)):
        image = store[row]
        digest = hashlib.blake2b(str(image.shape).encode(), digest_size=16)
        digest.update(image.data)
        rows[digest.digest()].append(row)
    return dict(rows)


def _same_within(copies: Iterable[list[int]]) -> Iterator[Pair]:
    for rows in copies:
        pairs = combinations(rows, 2) if len(rows) <= LISTED else product(rows[:1], rows[1:])
        yield from ((a, b, "same", 0.0) for a, b in pairs)


def _listed(first: list[int], second: list[int], kind: str, apart: float) -> Iterator[Pair]:
    """Every row of one content beside every row of another; of very many, beside the first."""
    if len(first) * len(second) > LISTED**2:
        first = first[:1]
    yield from ((a, b, kind, apart) for a, b in product(first, second))


def _near(
    stores: list[Store], rows: list[list[int]], threads: int
) -> Iterator[tuple[int, int, float]]:
    """Near-duplicate pairs of rows and their distance."""
    edged = [
        {row: edges(store[row]) for row in each if store.shapes[row].min() >= SMALLEST}
        for store, each in zip(stores, rows, strict=True)
    ]
    rows = [[row for row, share in each.items() if share >= PLAIN] for each in edged]
    if not all(rows):
        return
    small = [
        np.stack([thumbnail(store[row]) for row in each])
        for store, each in zip(stores, rows, strict=True)
    ]
    pairs = candidates(small[0], small[1] if len(small) == 2 else None, threads)
    parts = [pairs[at : at + PER_TASK].tolist() for at in range(0, len(pairs), PER_TASK)]

    def measured(part: list[list[int]]) -> list[tuple[int, int, float]]:
        found = []
        for first, second, view in part:
            a, b = rows[0][first], rows[-1][second]
            least = min(edged[0][a], edged[-1][b])
            found.append((a, b, distance(stores[0][a], stores[-1][b], VIEWS[view], least)))
        return found

    with bar(len(pairs), "aligning", unit="pairs") as progress:
        for part in in_order(measured, parts, threads):
            yield from (each for each in part if each[2] < NEVER)
            progress.update(len(part))
