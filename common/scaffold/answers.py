"""The columns of a table that hold the answers a sample submission asks for."""

import re
from collections.abc import Sequence

import pandas as pd

from common.progress import first_of
from common.scaffold.lists import MARKS, split, tokens_of
from common.scaffold.samples import Sample

CALLED = ("label", "labels", "class", "category", "category_id", "class_id", "target", "targets")
HEAD = 200  # rows of the sample whose cells are looked at
DOUBTFUL = 4  # the rank of columns of which any may be meant
Found = tuple[int, tuple[str, ...], str]


def answers_in(rows: pd.DataFrame, id: str, sample: Sample, given: str) -> Found | None:
    """The columns of a table that hold answers: how sure that is (0: most), the columns, and why.

    From `DOUBTFUL` on each of the columns may be the one that is meant.
    """
    others = [column for column in rows.columns if column != id]
    wanted = sample.names
    if given:
        return (0, (given,), f"{given} was named") if given in others else None
    if wanted and set(wanted) <= {*others}:
        return 0, wanted, f"its columns {first_of(wanted)} are the sample's"
    alike, why = _by_cells(rows, others, sample)
    same = [column for column in others if column.casefold() == sample.answers[0].casefold()]
    if same and not wanted:
        if alike and alike != same[0] and _words(same[0]) <= _words(alike):
            return 1, (alike,), why
        return 0, (same[0],), f"{same[0]} is the sample's column, too"
    varied = [column for column in others if rows[column].nunique() > 1]
    measures = [column for column in varied if _is_measure(rows[column])]
    labels = [c for c in varied if c not in measures and not rows[c].is_unique]
    known = {column: tokens_of(rows[column]) for column in labels}
    if wanted:
        names = {c: {*rows[c]} - {""} for c in labels}
        fits = [c for c in labels if known[c] and (known[c] <= {*wanted} or names[c] <= {*wanted})]
        return _one_of(fits, 1, f"its values are columns of {sample.name}")
    if alike in labels:
        return 1, (alike,), why
    called = [column for column in labels if column.casefold() in CALLED]
    if len(called) == 1:
        return 1, (called[0],), f"{called[0]} is called as answers are"
    fits = [column for column in labels if _cells(sample) & known[column]]
    if len(fits) == 1:
        return 1, (fits[0],), f"the sample's {sample.answers[0]} has values of {fits[0]}"
    return _one_of(fits or labels or measures, 2, "it is the only column that may do so")


def _by_cells(rows: pd.DataFrame, columns: Sequence[str], sample: Sample) -> tuple[str, str]:
    """Of several columns that are called as answers are the one that has the sample's cells, and why."""
    called = [c for c in columns if _words(c) & {*CALLED} and rows[c].nunique() > 1]
    fits = [c for c in called if _cells(sample) & tokens_of(rows[c])]
    if len(called) < 2 or len(fits) != 1:
        return "", ""
    others = [c for c in called if c not in fits]
    return fits[
        0
    ], f"the sample's {sample.answers[0]} has values of {fits[0]}, and none of {first_of(others)}"


def _cells(sample: Sample) -> set[str]:
    """The sample's cells, and the labels that may be in them."""
    cells = sample.rows[sample.answers[0]].head(HEAD).unique()
    return {*cells, *(name for cell in cells for mark in MARKS for name in split(cell, mark))}


def _words(column: str) -> set[str]:
    return {column.casefold(), *re.split(r"[\W_]+", column.casefold())}


def _one_of(columns: Sequence[str], rank: int, why: str) -> Found | None:
    if len(columns) > 1:
        return DOUBTFUL, tuple(columns), ""
    return (rank, (columns[0],), f"{columns[0]} holds the answers: {why}") if columns else None


def _is_measure(column: "pd.Series[str]") -> bool:
    """Has a column numbers with decimals?"""
    return bool(column.head(HEAD).str.fullmatch(r"-?\d+\.\d*[1-9]\d*").any())
