"""leaf-classification: 99 species, 1,584 binary images of leaves, 990 of them labelled.

Scored by log loss. The 192 features of a leaf beside its image are not used.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.competition import Competition
from common.data.csv_layout import labelled_rows, unlabelled_rows, write_csv, write_images
from common.targets import OneClass
from competitions.leaf_classification.recipes import NOTES, RECIPES

IMAGE = "images/{id}.jpg"
LABELS = "train.csv"
SAMPLE = "sample_submission.csv"


def read_train(folder: Path) -> pd.DataFrame:
    """Rows of train.csv (id, species)."""
    return labelled_rows(folder / LABELS, IMAGE, label="species")


def read_test(folder: Path) -> pd.DataFrame:
    """The ids of the sample submission."""
    return unlabelled_rows(folder / SAMPLE, IMAGE)


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """Write rows as this competition's files, for rehearsals and tests; `hidden` marks test rows."""
    write_images(table, images, folder, train=IMAGE, test=IMAGE)
    known, hidden = table[~table["hidden"]], table[table["hidden"]]
    write_csv(folder / LABELS, {"id": known["id"], "species": known["label"]})
    classes = sorted(known["label"].unique())
    write_csv(
        folder / SAMPLE,
        {"id": hidden["id"], **dict.fromkeys(classes, ["0.0101"] * len(hidden))},
    )


COMPETITION = Competition(
    name="leaf_classification",
    slug="leaf-classification",
    title="Leaf Classification",
    target=OneClass(),
    metric="log_loss",
    sample=SAMPLE,
    read_train=read_train,
    read_test=read_test,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
    packed=True,
)
