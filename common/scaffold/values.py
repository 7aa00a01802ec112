"""What texts in a column are: numbers, words of yes and no, lists of labels."""

import pandas as pd

from common.data.table import SEPARATORS as OF_TABLES

SEPARATORS = (", ", "; ", " | ", "|", ";", ",", " ")


def tokens_of(column: "pd.Series[str]") -> set[str]:
    """The labels in a column's cells, each by itself where cells are lists."""
    values = set(column.unique())
    mark = separator_of(column)
    return {each for value in values for each in _split(value, mark)} if mark else values - {""}


def separator_of(column: "pd.Series[str]") -> str:
    """What stands between the labels of a cell; '' where a cell is one label.

    In lists the same few labels are combined, so that there are at most as many labels as different
    cells, and a cell's labels occur in other cells; in names of two words ('Acer rubrum') they do not.
    """
    cells = [value for value in column.unique() if value]
    for mark in SEPARATORS:
        lists = [_split(cell, mark) for cell in cells]
        several = [each for each in lists if len(each) > 1]
        if not several:
            continue
        labels = pd.Series([name for each in lists for name in each]).value_counts()
        if any(mark.strip() in name for name in labels.index if mark.strip()):
            continue  # 'a, b' in one cell and 'a,b' in another
        again = all(any(labels[name] > 1 for name in each) for each in several)
        if len(labels) <= max(len(cells), 1) and again and all(len({*e}) == len(e) for e in lists):
            return mark
    return ""


def _split(cell: str, mark: str) -> list[str]:
    return [each.strip() for each in cell.split(mark) if each.strip()]


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
