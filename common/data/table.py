"""Tables: rows of `id, path, label` (train) or `id, path` (test), everything as text."""

import zipfile
import zlib
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from common.errors import KitError
from common.progress import counted, first_of

TRAIN_COLUMNS = ["id", "path", "label"]
TEST_COLUMNS = ["id", "path"]


def check_table(table: pd.DataFrame, *, labelled: bool, source: str) -> pd.DataFrame:
    """Return the table with its columns in order and its rows numbered from 0.

    Args:
        table: the columns `id, path, label` (labelled) or `id, path`, and no others: unique,
            non-empty text ids, paths that need not exist, non-empty text labels.
        labelled: train, not test.
        source: what the table is called in messages, such as "the test set".

    Raises:
        KitError: one sentence that names the first offenders and counts the others.
    """
    columns = TRAIN_COLUMNS if labelled else TEST_COLUMNS
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
    _check_text(table["id"], source, "id", list(range(len(table))))
    repeated = table["id"][table["id"].duplicated()].unique().tolist()
    if repeated:
        raise KitError(
            f"{source} has {counted(len(repeated), 'id')} on more than one row "
            f"({first_of(repeated)}): every image needs an id of its own"
        )
    _check_spaces(table["id"], source, "id")
    _check_paths(table, source)
    if labelled:
        _check_text(table["label"], source, "label", table["id"].tolist())
        _check_spaces(table["label"], source, "label")
    return table


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
    if other:
        shown = first_of([repr(values[i]) for i in other])
        raise KitError(
            f"{source} has {counted(len(other), noun)} not of text ({shown}): read them with "
            "dtype=str, or 007 and 12e4567 lose their form"
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


def read_csv(path: Path, *, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Read a CSV file with every value as the text it is (nothing becomes a number or nan).

    Args:
        path: the file: UTF-8, with or without a byte-order mark, compressed or not.
        columns: columns that must be there; others are kept as well.

    Raises:
        KitError: the file is missing, empty, ragged or lacks a column; one sentence.
    """
    try:
        # index_col=False would drop surplus fields; without it they show up as an index.
        table = pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False)
    except FileNotFoundError as error:
        raise KitError(
            f"there is no file {path}: check its name, or fetch it again (`kit <competition> download`)"
        ) from error
    except pd.errors.EmptyDataError as error:
        raise KitError(f"{path} is empty: write or download it again") from error
    except UnicodeDecodeError as error:
        raise KitError(f"{path} is not UTF-8 text: save it as CSV UTF-8") from error
    except (
        pd.errors.ParserError,
        EOFError,
        OSError,
        zlib.error,
        zipfile.BadZipFile,
    ) as error:
        reason = " ".join(str(error).split())
        raise KitError(
            f"{path} is not a readable CSV file ({reason}): write or download it again"
        ) from error
    spaced = [name for name in map(str, table.columns) if name != name.strip()]
    if spaced:
        raise KitError(f"{path} has space around its column {spaced[0]!r}: remove it")
    for column in columns:
        if column not in table.columns:
            near = get_close_matches(column, map(str, table.columns), n=1, cutoff=0.4)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            if len(table.columns) == 1 and ";" in str(table.columns[0]):
                hint = ": its values are separated by semicolons; save it with commas"
            raise KitError(
                f"{path} has no column {column!r}, only {first_of(list(table.columns))}{hint}"
            )
    if table.empty:
        raise KitError(f"{path} has a header but no rows: write or download it again")
    if not isinstance(table.index, pd.RangeIndex):
        raise KitError(
            f"{path} has rows with more values than its header has names: write or download it again"
        )
    return table
