"""Cells of text as numbers or labels; what is neither is refused with the ids of its rows."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.errors import KitError
from common.progress import counted, first_of
from common.submission.check import Cells, texts

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
WHOLE = re.compile(r"[+-]?\d+")
MISSING = ("", "nan", "na", "n/a", "null", "none")
Key = str | int | float
Floats = npt.NDArray[np.float64]


def numbers(table: pd.DataFrame, ids: Cells, who: str, *, missing: bool) -> Floats:
    """The cells [N, K] as Python reads them; nan where one is missing and may be.

    Raises:
        KitError: a cell is no finite number; the first rows, and whose file (`who`) it is.
    """
    columns = [_column(table[name], str(name), ids, who, missing=missing) for name in table.columns]
    return np.stack(columns, axis=1)


def _column(column: Any, name: str, ids: Cells, who: str, *, missing: bool) -> Floats:
    cells = stripped(column)
    try:
        values = cells.astype(np.float64)
        if np.isfinite(values).all() and not any("_" in cell for cell in cells):
            return np.asarray(values)
    except ValueError:
        pass  # what is wrong is looked for below
    lost = np.array([cell.lower() in MISSING for cell in cells], dtype=bool)
    if not missing:
        refuse(lost, ids, f"of the {who} without a number in column {name!r}")
    wrong = np.array([not NUMBER.fullmatch(cell) for cell in cells], dtype=bool) & ~lost
    refuse(wrong, ids, f"of the {who} whose {name!r} is not a number", cells)
    values = np.where(lost, "nan", cells).astype(np.float64)
    refuse(np.isinf(values), ids, f"of the {who} whose {name!r} is too large", cells)
    return np.asarray(values)


def stripped(column: Any) -> Cells:
    """A column as Python text without the spaces around it, '' where a cell is missing."""
    cells = np.empty(len(column), dtype=object)
    cells[:] = [str(cell).strip() for cell in texts(pd.Series(column))]
    return cells


def key_of(labels: Sequence[str] | Cells) -> Callable[[str], Key]:
    """What labels are compared by: their value where all are numbers and no two alike, else text."""
    known = set(labels)
    values = {_number(label) for label in known if NUMBER.fullmatch(label)}
    if len(values) < len(known) or not known:
        return str
    return lambda text: _number(text) if NUMBER.fullmatch(text) else text


def in_order(keys: set[Key]) -> list[Key]:
    """Numbers by value, then texts."""
    return sorted(keys, key=lambda each: (isinstance(each, str), each))


def _number(text: str) -> int | float:
    if WHOLE.fullmatch(text):
        return int(text)
    value = float(text)
    return int(value) if value.is_integer() else value


def refuse(bad: Any, ids: Cells, what: str, cells: Cells | None = None) -> None:
    """Raise KitError that names the first rows which are `bad` [N], and what the first one holds."""
    rows = np.flatnonzero(bad)
    if len(rows):
        example = "" if cells is None else f" ({cells[rows[0]]!r})"
        names = [str(ids[rows[0]]) + example, *map(str, ids[rows[1:]])]
        raise KitError(f"{counted(len(rows), 'row')} {what}: {first_of(names)}")
