"""A list that comes page by page: every row once, and whether it was read to its end.

Servers repeat a page, give an empty one in the middle, or a token for ever; none of that makes a
row twice, a list shorter without a word, or a call that does not end.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

PAGES = 100  # that one call reads; where more follow, the next call goes on
BARREN = 3  # pages one after the other that bring nothing new, and something still follows

Page = Callable[[str], tuple[Mapping[Any, Any], str]]


class Listed(NamedTuple):
    """What was read of a list.

    Attributes:
        rows: by what tells them apart, in the order they came.
        following: the token to go on with; "" where there is nothing to go on with.
        whole: was it read to the end that the server states?
    """

    rows: dict[Hashable, Any]
    following: str
    whole: bool


def listed(page: Page, token: str = "", *, most: int = PAGES) -> Listed:
    """Read a list from the page with this token on, at most so many pages.

    Args:
        page: the rows of the page with a token ("": the first), by what tells them apart, and the
            token of the next page ("": it was the last).
    """
    rows: dict[Hashable, Any] = {}
    seen, barren = {token}, 0
    for _ in range(most):
        found, token = page(token)
        new = {key: row for key, row in found.items() if key not in rows}
        rows |= new
        barren = 0 if new else barren + 1
        if not token:
            return Listed(rows, "", whole=True)
        if token in seen or barren >= BARREN:
            return Listed(rows, "", whole=False)
        seen.add(token)
    return Listed(rows, token, whole=False)


def all_of(page: Page, what: str, *, most: int = 100 * PAGES) -> list[Any]:
    """Every row of a list that is of no use in part.

    Raises:
        OperationError: kind "storage", it has no end.
    """
    from common.kaggle.child.failure import OperationError

    found = listed(page, most=most)
    if not found.whole:
        raise OperationError("storage", f"a list of {what} that repeats itself, or has no end")
    return list(found.rows.values())
