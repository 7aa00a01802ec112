"""Training rows: where their answers are, and how a second table is joined to theirs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from common.scaffold.inventory import Inventory
from common.scaffold.samples import Sample


@dataclass(frozen=True)
class Training:
    """The training rows and where their answers are.

    Attributes:
        images: the pattern of their images, with {label} where the label is in it.
        answers: columns of answers; ('label',) where they are in the images' paths.
        rows: all columns, text; with those of `beside`.
        found: their images, those that are there.
        name: the table; '' where there is none.
        id: its column of ids.
        beside: a second table, joined by the columns both have.
        shared, of_beside: the columns that both have, and those of the second alone.
        apart: the pattern or the table has images of the sample, too, and they are none of training:
            told by 'path', or by 'id' where no training image is called so; '' for none.
        long: its columns of ids and answers, where it has a row for each image and answer.
        told: how that was found, sentences.
        doubts: what of it is a guess, sentences.
    """

    images: str
    answers: tuple[str, ...]
    rows: pd.DataFrame
    found: frozenset[str] = frozenset()
    name: str = ""
    id: str = "id"
    beside: str = ""
    shared: tuple[str, ...] = ()
    of_beside: tuple[str, ...] = ()
    apart: str = ""
    long: tuple[str, str] | None = None
    told: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Given:
    """What the user answered: names of a table, of columns, a pattern with {label}; '' for nothing."""

    train: str = ""
    id: str = ""
    target: str = ""
    images: str = ""


Joined = tuple[str, pd.DataFrame, list[str]]


def joinable(inventory: Inventory, sample: Sample, name: str, rows: pd.DataFrame) -> list[Joined]:
    """The other tables with a row for each of a table's: the name, the rows joined, the columns both have."""
    found = []
    for other, more in inventory.tables.items():
        shared = [column for column in rows.columns if column in more.columns]
        if other in (name, sample.name) or not shared or more[shared].duplicated().any():
            continue
        joined = rows.merge(more, on=shared, how="inner")
        if len(joined) == len(rows):
            found.append((other, joined, shared))
    return found


def with_beside(
    training: Training, other: str, joined: pd.DataFrame, shared: Sequence[str]
) -> Training:
    """Training rows with the columns of a second table."""
    new = tuple(column for column in joined.columns if column not in training.rows.columns)
    return replace(training, beside=other, rows=joined, shared=tuple(shared), of_beside=new)
