"""What texts in a column are: numbers; and what separates a table."""

import numpy as np
import pandas as pd

from common.data.table import SEPARATORS as OF_TABLES
from common.scaffold.lists import mark_of

NUMBER = r"-?\d+(?:\.\d+)?(?:[eE]-?\d+)?"
LISTED = rf"[\[({{\s]*(?:{NUMBER}[\])}}\[({{\s,;]+)+{NUMBER}[\])}}\s]*"
GROUPED = r"-?\d{1,3}(,\d{3})+(\.\d+)?|-?\d+,\d+"  # 1,234.5 or, in Europe, 3,5
MOST_LABELS, OFTEN = 60, 20  # whole numbers, four in each cell, and how often each: labels, no box
MISSING = ("", "na", "nan", "n/a", "null", "none")


def numbers_of(column: "pd.Series[str]") -> "pd.Series[float] | None":
    """A column as numbers, missing cells left out; None where a cell is none."""
    full = column[~column.str.strip().str.lower().isin(MISSING)]
    numbers = pd.to_numeric(full, errors="coerce")
    return numbers if len(full) and numbers.notna().all() else None


def no_numbers(column: "pd.Series[str]") -> "pd.Series[str]":
    """The cells of a column that are neither missing nor a finite number, by their rows."""
    numbers = pd.to_numeric(column, errors="coerce")
    return column[~np.isfinite(numbers) & ~column.str.strip().str.lower().isin(MISSING)]


def is_geometry(column: "pd.Series[str]") -> bool:
    """Has a column masks or boxes: lists of four numbers, or of numbers most of which occur once?

    Lists of labels that are numbers combine the same few, four of them too.
    """
    cells = column[column != ""]
    if not len(cells) or not cells.str.fullmatch(LISTED).all():
        return False
    if cells.str.fullmatch(GROUPED).all():
        return False
    if (cells.str.count(NUMBER) == 4).all():
        numbers = cells.str.findall(NUMBER).explode()
        few = numbers.nunique() <= min(MOST_LABELS, len(numbers) / OFTEN)
        return not (few and cells.str.fullmatch(r"[\d\s,;]+").all())
    return 2 * cells.nunique() >= len(cells) and not mark_of(cells)


def separated(rows: pd.DataFrame) -> str:
    """What separates the values of a table that was read as one column; '' where nothing does."""
    if len(rows.columns) > 1:
        return ""
    return next((word for mark, word in OF_TABLES.items() if mark in str(rows.columns[0])), "")
