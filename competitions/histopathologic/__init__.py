"""histopathologic-cancer-detection: is there tumour tissue in the centre? About 220,000 patches.

They are 96x96 TIFF; about 57,000 more are to be scored, by AUC. Slides are not told, so no group is.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.competition import Competition
from common.data.csv_layout import labelled_rows, unlabelled_rows, write_csv, write_images
from common.targets import YesNo
from competitions.histopathologic.recipes import NOTES, RECIPES

TRAIN, TEST = "train/{id}.tif", "test/{id}.tif"
LABELS = "train_labels.csv"
SAMPLE = "sample_submission.csv"


def read_train(folder: Path) -> pd.DataFrame:
    """Rows of train_labels.csv (id, label)."""
    return labelled_rows(folder / LABELS, TRAIN)


def read_test(folder: Path) -> pd.DataFrame:
    """The ids of the sample submission."""
    return unlabelled_rows(folder / SAMPLE, TEST)


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """Write rows as this competition's files, for rehearsals and tests; `hidden` marks test rows."""
    write_images(table, images, folder, train=TRAIN, test=TEST)
    known, hidden = table[~table["hidden"]], table[table["hidden"]]
    write_csv(folder / LABELS, {"id": known["id"], "label": known["label"]})
    write_csv(folder / SAMPLE, {"id": hidden["id"], "label": ["0"] * len(hidden)})


COMPETITION = Competition(
    name="histopathologic",
    slug="histopathologic-cancer-detection",
    title="Histopathologic Cancer Detection",
    target=YesNo(),
    metric="auc",
    sample=SAMPLE,
    read_train=read_train,
    read_test=read_test,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
    packed=True,
)
