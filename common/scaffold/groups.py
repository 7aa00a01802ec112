"""Columns whose equal values mark rows that belong together: patients, places, drivers."""

import re
from collections.abc import Sequence

import pandas as pd

from common.errors import KitError
from common.progress import counted, first_of

# What a column of groups is called by, as a word of its name or its beginning: PatientID, driver_no.
CALLED = frozenset(
    """
    patient subject person driver donor animal owner individual location place site station camera
    sequence seq scene video clip plate experiment batch slide case study session group cluster plot
    field farm hospital center centre product lesion specimen series identity
    """.split()  # noqa: SIM905
)
# By what it may be called that is more often a fact of the image: it is named, and not used.
PERHAPS = frozenset({"date", "day", "month", "state", "region", "country", "year"})
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
FEWEST = 5  # groups, so that each of five folds has one
NONE = "none"  # what --group says for no group


def find_group(rows: pd.DataFrame, known: Sequence[str], given: str) -> tuple[str, str, str]:
    """A training table to its column of groups ('' for none), what says so, and what stays open.

    Args:
        known: the columns that are ids or answers.
        given: the column that the user names, or 'none'.

    Raises:
        KitError: it is not there, or several may be meant that do not contain one another.
    """
    if given == NONE:
        return "", "", ""
    if given:
        if given not in rows:
            raise KitError(f"--group {given}: there is no such column, only {first_of([*rows])}")
        return given, f"{given} was named as the group", ""
    repeated = [
        name for name in rows.columns
        if name not in known and 1 < rows[name].nunique() < len(rows) and (rows[name] != "").all()
    ]  # fmt: skip
    words = {name: {*map(str.lower, WORDS.findall(name))} for name in repeated}
    called = [name for name in repeated if words[name] & (CALLED | PERHAPS)]
    enough = [n for n in called if words[n] & CALLED and rows[n].nunique() >= FEWEST]
    if enough:
        widest = min(enough, key=lambda name: rows[name].nunique())
        crossing = [name for name in enough if not _within(rows, name, widest)]
        if crossing:
            raise KitError(
                f"{first_of([widest, *crossing])} may each be groups that folds never split, and none is "
                f"a part of the other: name the one that the test set has none of (--group COLUMN, or "
                f"--group {NONE})"
            )
    group = widest if enough else ""
    others = [f"{c} ({counted(rows[c].nunique(), 'value')})" for c in called if c != group]
    others = [each for each in others if not group]
    why = (
        f"{group} has {counted(rows[group].nunique(), 'value')} on {counted(len(rows), 'row')}"
        if group
        else ""
    )
    doubt = (
        f"whether {first_of(others)} is a group that folds must not split (--group COLUMN)"
        if others
        else ""
    )
    return group, f"{why}, and is called as groups are: folds do not split it" if why else "", doubt


def _within(rows: pd.DataFrame, inner: str, outer: str) -> bool:
    """Has each value of one column a single value of the other?"""
    return bool((rows.groupby(inner)[outer].nunique() == 1).all())
