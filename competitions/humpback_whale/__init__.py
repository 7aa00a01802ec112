"""humpback-whale-identification: which whale's fluke is it? Thousands of whales, few images of each.

Scored by MAP@5; new_whale is the label of those that were never seen before.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.competition import Competition
from common.data.csv_layout import labelled_rows, unlabelled_rows, write_csv, write_images
from common.targets import OneClass
from competitions.humpback_whale.recipes import NOTES, RECIPES

TRAIN, TEST = "train/{id}", "test/{id}"
LABELS = "train.csv"
SAMPLE = "sample_submission.csv"


def read_train(folder: Path) -> pd.DataFrame:
    """Rows of train.csv (Image, Id)."""
    return labelled_rows(folder / LABELS, TRAIN, id="Image", label="Id")


def read_test(folder: Path) -> pd.DataFrame:
    """The ids of the sample submission."""
    return unlabelled_rows(folder / SAMPLE, TEST, id="Image")


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """Write rows as this competition's files, for rehearsals and tests; `hidden` marks test rows."""
    write_images(table, images, folder, train=TRAIN, test=TEST)
    known, hidden = table[~table["hidden"]], table[table["hidden"]]
    write_csv(folder / LABELS, {"Image": known["id"], "Id": known["label"]})
    some = " ".join(["new_whale", *sorted({*known["label"]} - {"new_whale"})][:5])
    write_csv(folder / SAMPLE, {"Image": hidden["id"], "Id": [some] * len(hidden)})


COMPETITION = Competition(
    name="humpback_whale",
    slug="humpback-whale-identification",
    title="Humpback Whale Identification",
    target=OneClass(unknown="new_whale"),
    metric="map5",
    sample=SAMPLE,
    read_train=read_train,
    read_test=read_test,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
    packed=True,
)
