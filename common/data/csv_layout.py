"""Building blocks of competitions' readers: a CSV to a table with image paths, and back."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from common.data.table import read_csv
from common.errors import KitError
from common.progress import counted, first_of


def labelled_rows(
    csv: Path,
    images: str,
    *,
    id: str = "id",
    label: str = "label",
    columns: Sequence[str] = (),
    group: str = "",
    weight: str = "",
) -> pd.DataFrame:
    """A training CSV as a table: `id, path`, the answers, and `group` and `weight` where it has them.

    Args:
        images: the path of an image relative to the CSV's folder, as 'train/{id}.png'.
        label: the CSV's column of answers.
        columns: its columns of answers, where there are several; they keep their names.
        group: its column of groups that folds never split (patients, places).
        weight: its column of weights that scores count a row by.
    """
    named = {id: "id", **({} if columns else {label: "label"})}
    named |= {name: to for name, to in ((group, "group"), (weight, "weight")) if name}
    rows = read_csv(csv, columns=(*named, *columns)).rename(columns=named)
    return _with_paths(rows, csv.parent, images)[["id", "path", *columns, *[*named.values()][1:]]]


def one_hot_rows(
    csv: Path, images: str, columns: Sequence[str], *, id: str = "id", group: str = ""
) -> pd.DataFrame:
    """A training CSV with a column of 0 and 1 for each class as a table `id, path, label`.

    Raises:
        KitError: rows in which not exactly one column is 1.
    """
    rows = labelled_rows(csv, images, id=id, columns=columns, group=group)
    ones = rows[list(columns)].isin(["1", "1.0"])
    wrong = ones.sum(axis=1) != 1
    if wrong.any():
        raise KitError(
            f"{csv} has {counted(int(wrong.sum()), 'row')} in which not exactly one of {first_of(columns)} "
            f"is 1 ({first_of(rows['id'][wrong].tolist())}): correct them, or read them as a set of labels"
        )
    return rows.drop(columns=list(columns)).assign(label=ones.idxmax(axis=1))


def unlabelled_rows(csv: Path, images: str, *, id: str = "id") -> pd.DataFrame:
    """The ids of a CSV (the sample submission, a test list) as a table `id, path`."""
    rows = read_csv(csv, columns=(id,)).rename(columns={id: "id"})
    return _with_paths(rows, csv.parent, images)[["id", "path"]]


def _with_paths(rows: pd.DataFrame, folder: Path, images: str) -> pd.DataFrame:
    before, after = (str(folder / images)).split("{id}")
    return rows.assign(path=before + rows["id"] + after)


def write_images(
    table: pd.DataFrame, images: Sequence[bytes], folder: Path, *, train: str, test: str
) -> None:
    """Write encoded images, as 'train/{id}.png' or, of rows that are `hidden`, 'test/{id}.png'.

    An id may be a path, or a part of one: 'images/0.jpg'.
    """
    made: set[Path] = set()
    rows = zip(table["id"], table["hidden"], strict=True)
    for position, (name, hidden) in enumerate(rows):
        target = folder / (test if hidden else train).format(id=name)
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        target.write_bytes(images[position])


def write_csv(path: Path, columns: Mapping[str, Sequence[str] | pd.Series]) -> None:
    """Write text columns as a CSV."""
    pd.DataFrame(dict(columns)).to_csv(path, index=False, lineterminator="\n")
