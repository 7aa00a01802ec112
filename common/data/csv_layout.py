"""Building blocks of competitions' readers: a CSV to a table with image paths, and back."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from common.data.table import read_csv


def labelled_rows(csv: Path, images: str, *, id: str = "id", label: str = "label") -> pd.DataFrame:
    """A training CSV as a table `id, path, label`.

    `images` is the path of an image relative to the CSV's folder, as 'train/{id}.png'.
    """
    rows = read_csv(csv, columns=(id, label)).rename(columns={id: "id", label: "label"})
    return _with_paths(rows, csv.parent, images)[["id", "path", "label"]]


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
    """Write encoded images, as 'train/{id}.png' when labelled and 'test/{id}.png' when not.

    An id may be a path, or a part of one: 'images/0.jpg'.
    """
    made: set[Path] = set()
    rows = zip(table["id"], table["label"].isna(), strict=True)
    for position, (name, hidden) in enumerate(rows):
        target = folder / (test if hidden else train).format(id=name)
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        target.write_bytes(images[position])


def write_csv(path: Path, columns: Mapping[str, Sequence[str] | pd.Series]) -> None:
    """Write text columns as a CSV."""
    pd.DataFrame(dict(columns)).to_csv(path, index=False, lineterminator="\n")
