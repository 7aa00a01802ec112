"""Columns whose equal values mark rows that belong together: patients, places, drivers."""

import re
from collections.abc import Sequence

import pandas as pd

from common.errors import KitError
from common.progress import counted, first_of

# What a column of groups is called by, as a word of its name, the surest first: PatientID, driver_no.
# By those of the last line a column is named as what may be one, and not used.
SURE, LIKELY, PERHAPS = (
    frozenset(words.split())
    for words in (
        "patient subject person driver donor owner",
        "location station camera sequence seq scene video clip plate experiment batch slide study "
        "group cluster hospital lesion specimen series identity farm",
        "site place animal individual case field center centre product plot session date day month state "
        "region country year",
    )
)
COARSE = frozenset(
    ["product", "day", "date", "month", "state", "region", "country", "year"]
)  # never a wider group
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
        _check_given(rows, known, given)
        return given, f"{given} was named as the group", ""
    repeated = [
        name for name in rows.columns
        if name not in known and 1 < rows[name].nunique() < len(rows)
    ]  # fmt: skip
    words = {name: {*map(str.lower, WORDS.findall(name))} for name in repeated}
    called = [name for name in repeated if words[name] & (SURE | LIKELY | PERHAPS)]
    full = [name for name in called if (rows[name] != "").all()]
    enough = [name for name in full if rows[name].nunique() >= FEWEST]
    tiers = [[name for name in enough if words[name] & tier] for tier in (SURE, LIKELY)]
    chosen = tiers[0] or tiers[1]
    group = min(chosen, key=lambda name: rows[name].nunique(), default="")
    crossing = [name for name in chosen if not _within(rows, name, group)]
    if crossing:
        raise KitError(
            f"{first_of([group, *crossing])} may each be groups that folds never split, and none is a "
            f"part of the other: name the one that the test set has none of (--group COLUMN, or --group "
            f"{NONE})"
        )
    if group:
        wider = [n for n in enough if not words[n] & COARSE and _within(rows, group, n)]
        group = min(wider, key=lambda name: rows[name].nunique())
    others = [
        f"{name} ({counted(rows[name].nunique(), 'value')}{', some empty' * (name not in full)})"
        for name in called
        if not (group and (name in chosen or _within(rows, name, group)))
    ]  # fmt: skip
    inner = [name for name in called if group and name != group and _within(rows, name, group)]
    return (
        group,
        f"{group} has {counted(rows[group].nunique(), 'value')} on {counted(len(rows), 'row')}, and is "
        "called as groups are: folds do not split it" + f", nor {first_of(inner)} in it" * bool(inner)
        if group else "",
        f"whether {first_of(others)} is a group that folds must not split (--group COLUMN)"
        if others else "",
    )  # fmt: skip


def _check_given(rows: pd.DataFrame, known: Sequence[str], given: str) -> None:
    others = first_of([str(name) for name in rows.columns if name not in known]) or "none"
    if given not in rows:
        raise KitError(f"--group {given}: there is no such column, only {others}")
    if given in known:
        raise KitError(
            f"--group {given} is the id or an answer, by which folds are no groups: name "
            f"another column ({others}), or --group {NONE}"
        )
    if rows[given].nunique() < 2:
        raise KitError(
            f"--group {given} has one value, and folds need two groups at least: name "
            f"another column ({others}), or --group {NONE}"
        )


def _within(rows: pd.DataFrame, inner: str, outer: str) -> bool:
    """Has each value of one column a single value of the other?"""
    return bool((rows.groupby(inner)[outer].nunique() == 1).all())
