"""Building blocks of competitions' readers: a CSV or JSON to a table with image paths, and back."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from common.data.image_paths import paths_of, place_of
from common.data.long_ids import long_rows_of, split_ids
from common.data.records import read_table, write_table
from common.errors import KitError
from common.progress import counted, first_of
from common.targets.label_set import CELLS
from common.targets.target import offenders


def labelled_rows(
    csv: Path,
    images: str,
    *,
    id: str = "id",
    label: str = "label",
    columns: Sequence[str] = (),
    group: str = "",
    weight: str = "",
    beside: Path | None = None,
) -> pd.DataFrame:
    """A training table as one of `id, path`, the answers, and `group` and `weight` where it has them.

    Args:
        csv: a CSV, or JSON as `common.data.records` reads it.
        images: the path of an image relative to the CSV's folder, as 'train/{id}.png', or a pattern
            of `common.data.image_paths`.
        label: the CSV's column of answers.
        columns: its columns of answers, where there are several; they keep their names.
        group: its column of groups that folds never split (patients, places).
        weight: its column of weights that scores count a row by.
        beside: a second table: each row is joined to the one that is equal in the
            columns both have, and its further columns may be named as well.
    """
    named = {id: "id", **({} if columns else {label: "label"})}
    named |= {name: to for name, to in ((group, "group"), (weight, "weight")) if name}
    wanted = (*named, *columns)
    rows = _joined(csv, beside, wanted) if beside else read_table(csv, columns=wanted)
    rows = _with_paths(renamed(rows, named), csv.parent, images)
    return rows[["id", "path", *columns, *[*named.values()][1:]]]


def renamed(rows: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Rows with new names for columns; those that had such a name before give way."""
    others = [name for name in {*names.values()} - {*names} if name in rows]
    return rows.drop(columns=others).rename(columns=dict(names))


def _joined(csv: Path, beside: Path, columns: Sequence[str]) -> pd.DataFrame:
    """The rows of a table with the further columns of another, joined by the columns both have.

    Raises:
        KitError: they share no column, a row fits none or several rows of the other, or a column is
            in neither.
    """
    rows, more = read_table(csv), read_table(beside)
    shared = [name for name in rows.columns if name in more.columns]
    missing = [name for name in columns if name not in {*rows.columns, *more.columns}]
    if missing or not shared:
        what = f"have no column {missing[0]!r}" if missing else "share no column to be joined by"
        raise KitError(
            f"{csv} and {beside} {what}: they have {first_of([*rows, *more])}; correct the "
            "competition's reader"
        )
    keys, others = (pd.MultiIndex.from_frame(each[shared]) for each in (rows, more))
    lacking = rows[shared[0]][~keys.isin(others)].tolist()
    twice = more[shared[0]][others.duplicated() & others.isin(keys)].tolist()
    if lacking or twice:
        raise KitError(
            f"{beside} has {'no row' if lacking else 'several rows'} for {first_of(lacking or twice)} "
            f"of {csv} ({', '.join(shared)}): correct it, or the competition's reader"
        )
    return rows.merge(more, on=shared, how="left", validate="many_to_one")


def one_hot_rows(
    csv: Path, images: str, columns: Sequence[str], *, id: str = "id", group: str = ""
) -> pd.DataFrame:
    """A training CSV with a column of 0 and 1 for each class as a table `id, path, label`.

    Raises:
        KitError: a cell that is neither 0 nor 1, or rows in which not exactly one column is 1.
    """
    rows = labelled_rows(csv, images, id=id, columns=columns, group=group)
    for name in columns:
        if odd := offenders(rows, ~rows[name].isin([*CELLS]), name):
            raise KitError(
                f"{csv}: column {name!r} has {counted(len(odd), 'value')} neither 0 nor 1 "
                f"({first_of(odd)}): correct them"
            )
    ones = rows[list(columns)].isin(["1", "1.0"])
    wrong = ones.sum(axis=1) != 1
    if wrong.any():
        raise KitError(
            f"{csv} has {counted(int(wrong.sum()), 'row')} in which not exactly one of {first_of(columns)} "
            f"is 1 ({first_of(rows['id'][wrong].tolist())}): correct them, or read them as a set of labels"
        )
    return rows.drop(columns=list(columns)).assign(label=ones.idxmax(axis=1))


def long_rows(
    csv: Path,
    images: str,
    long: str,
    columns: Sequence[str],
    *,
    id: str,
    label: str,
    group: str = "",
) -> pd.DataFrame:
    """A table with a row for each image and column as `id, path`, a column each and `group`.

    Args:
        long: how a row's id is made of an image's and a column's name, as '{id}_{name}'.

    Raises:
        KitError: an image lacks a row, or a row's id has no such column.
    """
    rows = read_table(csv, columns=[id, label, *([group] if group else [])])
    wide = long_rows_of(rows, long, columns, id=id, label=label, keep=[group] if group else [])
    wide = _with_paths(wide.rename(columns={group: "group"}), csv.parent, images)
    return wide[["id", "path", *columns, *(["group"] if group else [])]]


def unlabelled_rows(
    csv: Path, images: str, *, id: str = "id", long: str = "", columns: Sequence[str] = ()
) -> pd.DataFrame:
    """The ids of a table (the sample submission, a test list) as a table `id, path`.

    With `long` and `columns` it has a row for each image and column, as `long_rows` takes them.
    """
    rows = renamed(read_table(csv, columns=(id,)), {id: "id"})
    if long:
        stems, _ = split_ids(rows["id"], long, columns)
        rows = rows.assign(id=stems).drop_duplicates("id", ignore_index=True)
    return _with_paths(rows, csv.parent, images)[["id", "path"]]


def _with_paths(rows: pd.DataFrame, folder: Path, images: str) -> pd.DataFrame:
    return rows.assign(path=paths_of(rows, folder, images))


def write_images(
    table: pd.DataFrame, images: Sequence[bytes], folder: Path, *, train: str, test: str
) -> None:
    """Write encoded images, as 'train/{id}.png' or, of rows that are `hidden`, 'test/{id}.png'.

    An id may be a path, or a part of one: 'images/0.jpg'. A pattern may name further columns of the
    table, and leave folders and suffix open (`common.data.image_paths`).
    """
    made: set[Path] = set()
    for position, row in enumerate(table.to_dict("records")):
        target = folder / place_of(test if row["hidden"] else train, row)
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        target.write_bytes(images[position])


def write_csv(path: Path, columns: Mapping[str, Sequence[str] | pd.Series]) -> None:
    """Write text columns as a CSV, or as JSON where the file is called so."""
    write_table(path, columns)
