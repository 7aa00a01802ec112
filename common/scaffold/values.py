"""What texts in a column are: numbers; and what separates a table."""

import pandas as pd

from common.data.table import SEPARATORS as OF_TABLES


def numbers_of(column: "pd.Series[str]") -> "pd.Series[float] | None":
    """A column as numbers, missing cells left out; None where a cell is none."""
    full = column[~column.str.strip().str.lower().isin(("", "na", "nan", "n/a", "null", "none"))]
    numbers = pd.to_numeric(full, errors="coerce")
    return numbers if len(full) and numbers.notna().all() else None


def separated(rows: pd.DataFrame) -> str:
    """What separates the values of a table that was read as one column; '' where nothing does."""
    if len(rows.columns) > 1:
        return ""
    return next((word for mark, word in OF_TABLES.items() if mark in str(rows.columns[0])), "")
