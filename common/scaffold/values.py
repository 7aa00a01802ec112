"""What texts in a column are: numbers; and what separates a table."""

import pandas as pd

from common.data.table import SEPARATORS as OF_TABLES
from common.scaffold.lists import mark_of


def numbers_of(column: "pd.Series[str]") -> "pd.Series[float] | None":
    """A column as numbers, missing cells left out; None where a cell is none."""
    full = column[~column.str.strip().str.lower().isin(("", "na", "nan", "n/a", "null", "none"))]
    numbers = pd.to_numeric(full, errors="coerce")
    return numbers if len(full) and numbers.notna().all() else None


NUMBER = r"-?\d+(?:\.\d+)?(?:[eE]-?\d+)?"
LISTED = rf"[\[({{\s]*(?:{NUMBER}[\])}}\[({{\s,;]+)+{NUMBER}[\])}}\s]*"


def is_geometry(column: "pd.Series[str]") -> bool:
    """Has a column masks or boxes: lists of four numbers, or of numbers most of which occur once?

    Lists of labels that are numbers combine the same few.
    """
    cells = column[column != ""]
    if not len(cells) or not cells.str.fullmatch(LISTED).all():
        return False
    boxes = (cells.str.count(NUMBER) == 4).all()
    return bool(boxes or (2 * cells.nunique() >= len(cells) and not mark_of(cells)))


def separated(rows: pd.DataFrame) -> str:
    """What separates the values of a table that was read as one column; '' where nothing does."""
    if len(rows.columns) > 1:
        return ""
    return next((word for mark, word in OF_TABLES.items() if mark in str(rows.columns[0])), "")
