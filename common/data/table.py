"""Tables: rows of `id, path` (test) and the answers besides (train), everything as text."""

import os
import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from common.data.csv_rows import read_rows
from common.errors import KitError
from common.progress import counted, first_of

# Control characters anywhere, and at either end what has no width.
UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|^[\u200b-\u200f\u2060\ufeff]|[\u200b-\u200f\u2060\ufeff]$"
)
FOREIGN = re.compile(
    "[\udc80-\udcff]"
)  # bytes of a file's name that are no UTF-8, as Python has them
SHOWN = 40  # characters of a value in a message
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def check_table(
    table: pd.DataFrame, *, source: str, answers: Sequence[str] = (), named: bool = False
) -> pd.DataFrame:
    """Return the table with its columns in order and its rows numbered from 0.

    Args:
        table: the columns `id, path` and those of the answers, and no others but `group` and `weight`:
            unique, non-empty text ids, paths that need not exist.
        source: what the table is called in messages, such as "the test set".
        answers: the columns of a training table that hold the answers.
        named: these are names: text, never empty, no space around it.

    Raises:
        KitError: one sentence that names the first offenders and counts the others.
    """
    columns = ["id", "path", *answers]
    columns += [name for name in ("group", "weight") if answers and name in table.columns]
    if sorted(map(str, table.columns)) != sorted(columns):
        found = ", ".join(map(str, table.columns)) or "none"
        raise KitError(
            f"{source} has the columns {found} where {', '.join(columns)} are needed: rename or "
            "drop columns in the competition's reader"
        )
    if table.empty:
        raise KitError(
            f"{source} is empty: look at the files its reader reads, and download them again if "
            "they are not all there"
        )
    table = table[columns].reset_index(drop=True)
    _check_file_names(table, source)
    _check_text(table["id"], source, "id", list(range(len(table))))
    repeated = table["id"][table["id"].duplicated()].unique().tolist()
    if repeated:
        raise KitError(
            f"{source} has {counted(len(repeated), 'id')} on more than one row "
            f"({first_of(repeated)}): every image needs an id of its own"
        )
    _check_spaces(table["id"], source, "id")
    _check_paths(table, source)
    for name in answers if named else ():
        _check_text(table[name], source, name, table["id"].tolist())
        _check_spaces(table[name], source, name)
    if "group" in table:
        _check_text(table["group"], source, "group", table["id"].tolist())
    if "weight" in table:
        _check_weights(table, source)
    return table


def _check_weights(table: pd.DataFrame, source: str) -> None:
    weights = pd.to_numeric(table["weight"], errors="coerce")
    wrong = ~((weights >= 0) & (weights < float("inf")))
    if wrong.any() or not weights.any():
        shown = first_of([f"{a}: {b!r}" for a, b in table.loc[wrong, ["id", "weight"]].to_numpy()])
        raise KitError(
            f"{source} has {counted(int(wrong.sum()), 'unusable weight')} ({shown}): a weight is a number "
            "of 0 or more, and not all are 0"
        )


def _check_file_names(table: pd.DataFrame, source: str) -> None:
    """Ids and labels that are names of files or folders have no character that nobody sees."""
    odd: dict[str, str] = {}
    for name in (name for name in table.columns if name != "path"):
        for value, path in zip(table[name], map(str, table["path"]), strict=True):
            if isinstance(value, str) and UNSEEN.search(value) and os.path.lexists(path):
                odd |= {path: value} if value in path else {}
    if not odd:
        return
    foreign = [value for value in odd.values() if FOREIGN.search(value)]
    # os.fsencode's way, on every system: what is no text is shown as the bytes that it is.
    shown = [repr(v.encode("utf-8", "surrogateescape"))[1:] for v in foreign] or [
        *map(repr, odd.values())
    ]
    what, remedy = (
        ("that is not UTF-8", "rename them (`convmv -f latin1 -t utf8 -r --notest FOLDER` does it)")
        if foreign
        else ("with a line break or another control character", "rename them")
    )
    raise KitError(
        f"{source} has {counted(len(shown), 'image')} under a name {what} ({first_of(shown)}): {remedy}, "
        "for no submission or table can hold such a name"
    )


def _check_text(column: pd.Series, source: str, noun: str, names: Sequence[object]) -> None:
    """Every value is text with something in it; offenders are called by `names`."""
    values = column.tolist()
    empty = [i for i, value in enumerate(values) if _is_empty(value)]
    if empty:
        where = first_of([f"row {names[i]}" for i in empty])
        raise KitError(
            f"{source} has {counted(len(empty), f'empty {noun}')} ({where}): fill them in or drop the rows"
        )
    other = [i for i, value in enumerate(values) if not isinstance(value, str)]
    if not other:
        _check_characters(values, source, noun, names)
    else:
        shown = first_of([repr(values[i]) for i in other])
        raise KitError(
            f"{source} has {counted(len(other), noun)} not of text ({shown}): read them with "
            "dtype=str, or 007 and 12e4567 lose their form"
        )


def _check_characters(
    values: Sequence[str], source: str, noun: str, names: Sequence[object]
) -> None:
    """No value has a line break, a tab or another character that nobody sees."""
    kinds = {value: UNSEEN.search(value) for value in set(values)}
    wrong = [i for i, value in enumerate(values) if kinds[value]]
    if wrong:
        breaks = any(mark in values[i] for i in wrong for mark in "\r\n")
        cause = "a stray quote may have swallowed rows" if breaks else "remove it"
        where = first_of([f"row {names[i]}: {values[i][:SHOWN]!r}" for i in wrong])
        raise KitError(
            f"{source} has {counted(len(wrong), noun)} with {'a line break' if breaks else 'a control character'} "
            f"in {'it' if len(wrong) == 1 else 'them'} ({where}): {cause}; correct the file"
        )


def _check_spaces(column: pd.Series, source: str, noun: str) -> None:
    """No value begins or ends with a space: Kaggle would take it for another value."""
    spaced = [value for value in column.unique() if value != value.strip()]
    if spaced:
        raise KitError(
            f"{source} has {noun}s with space around them ({first_of([repr(v) for v in spaced])}): "
            "remove the space, or strip it in the competition's reader"
        )


def _check_paths(table: pd.DataFrame, source: str) -> None:
    wrong = [
        name
        for name, path in zip(table["id"], table["path"], strict=True)
        if not isinstance(path, str | Path) or _is_empty(path)
    ]
    if wrong:
        raise KitError(
            f"{source} has {counted(len(wrong), 'row')} without a path ({first_of(wrong)}): the "
            "competition's reader must name a file for each row"
        )


def _is_empty(value: object) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return value is None or value is pd.NA or value is pd.NaT or value != value


def read_csv(
    path: Path,
    *,
    columns: Sequence[str] = (),
    data: bytes | None = None,
    may_be_empty: bool = False,
) -> pd.DataFrame:
    """Read a CSV file with every value as the text it is (nothing becomes a number or nan).

    Args:
        path: the file: UTF-8, with or without a byte-order mark, compressed or not.
        columns: columns that must be there; others are kept as well.
        data: the file's bytes, unpacked, where they are read already.
        may_be_empty: a header alone is a table of no rows.

    Raises:
        KitError: the file is missing, empty, lacks a column, or its quotes or the lengths of its rows
            leave in doubt which values belong together; one sentence.
    """
    header, rows = read_rows(path, columns, data)
    for column in columns:
        if column not in header:
            near = get_close_matches(column, header, n=1, cutoff=0.4)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            others = [word for mark, word in SEPARATORS.items() if mark in header[0]]
            repeated = [
                name for at, name in enumerate(header) if any(row[at] == name for row in rows)
            ]
            if len(header) == 1 and others:
                hint = f": its values are separated by {others[0]}; save it with commas"
            elif repeated:
                hint = (
                    f": the first line looks like a row ({repeated[0]} is a value below, too); put the "
                    f"names above it, as in {','.join(columns)}"
                )
            raise KitError(f"{path} has no column {column!r}, only {first_of(header)}{hint}")
    if not rows and not may_be_empty:
        raise KitError(f"{path} has a header but no rows: write or download it again")
    return pd.DataFrame(
        {name: [row[at] for row in rows] for at, name in enumerate(header)}, dtype=str
    )
