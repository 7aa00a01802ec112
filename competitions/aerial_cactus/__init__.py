"""aerial-cactus-identification: is there a cactus? 17,500 labelled aerial photographs of 32x32 pixels.

4,000 more are to be scored, by AUC; an id has its suffix. It takes notebooks only.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.competition import Competition
from common.data.csv_layout import labelled_rows, unlabelled_rows, write_csv, write_images
from common.targets import YesNo
from competitions.aerial_cactus.recipes import NOTES, RECIPES

TRAIN, TEST = "train/{id}", "test/{id}"
LABELS = "train.csv"
SAMPLE = "sample_submission.csv"


def read_train(folder: Path) -> pd.DataFrame:
    """Rows of train.csv (id, has_cactus)."""
    return labelled_rows(folder / LABELS, TRAIN, label="has_cactus")


def read_test(folder: Path) -> pd.DataFrame:
    """The ids of the sample submission."""
    return unlabelled_rows(folder / SAMPLE, TEST)


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """Write rows as this competition's files, for rehearsals and tests; `hidden` marks test rows."""
    write_images(table, images, folder, train=TRAIN, test=TEST)
    known, hidden = table[~table["hidden"]], table[table["hidden"]]
    write_csv(folder / LABELS, {"id": known["id"], "has_cactus": known["label"]})
    write_csv(folder / SAMPLE, {"id": hidden["id"], "has_cactus": ["0.5"] * len(hidden)})


COMPETITION = Competition(
    name="aerial_cactus",
    slug="aerial-cactus-identification",
    title="Aerial Cactus Identification",
    target=YesNo(),
    metric="auc",
    sample=SAMPLE,
    read_train=read_train,
    read_test=read_test,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
    packed=True,
    code=True,
)
