"""cassava-leaf-disease-classification: one of four diseases, or healthy? About 21,400 photographs.

About 15,000 hidden ones are scored by accuracy. It takes notebooks only.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.competition import Competition
from common.data.csv_layout import labelled_rows, unlabelled_rows, write_csv, write_images
from common.targets import OneClass
from competitions.cassava.recipes import NOTES, RECIPES

TRAIN, TEST = "train_images/{id}", "test_images/{id}"
LABELS = "train.csv"
SAMPLE = "sample_submission.csv"


def read_train(folder: Path) -> pd.DataFrame:
    """Rows of train.csv (image_id, label)."""
    return labelled_rows(folder / LABELS, TRAIN, id="image_id")


def read_test(folder: Path) -> pd.DataFrame:
    """The ids of the sample submission."""
    return unlabelled_rows(folder / SAMPLE, TEST, id="image_id")


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """Write rows as this competition's files, for rehearsals and tests; `hidden` marks test rows."""
    write_images(table, images, folder, train=TRAIN, test=TEST)
    known, hidden = table[~table["hidden"]], table[table["hidden"]]
    write_csv(folder / LABELS, {"image_id": known["id"], "label": known["label"]})
    some = known["label"].iloc[0]
    write_csv(folder / SAMPLE, {"image_id": hidden["id"], "label": [some] * len(hidden)})


COMPETITION = Competition(
    name="cassava",
    slug="cassava-leaf-disease-classification",
    title="Cassava Leaf Disease Classification",
    target=OneClass(),
    metric="accuracy",
    sample=SAMPLE,
    read_train=read_train,
    read_test=read_test,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
    packed=True,
    code=True,
)
