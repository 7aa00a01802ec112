"""plant-pathology-2020-fgvc7: leaves of apple trees, healthy or with one of three conditions.

1,821 labelled photographs and 1,820 to label; four columns of which one is 1, scored by their mean AUC.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.competition import Competition
from common.data.csv_layout import one_hot_rows, unlabelled_rows, write_csv, write_images
from common.targets import OneClass
from competitions.plant_pathology_2020.recipes import NOTES, RECIPES

COLUMNS = ("healthy", "multiple_diseases", "rust", "scab")
IMAGE = "images/{id}.jpg"


def read_train(folder: Path) -> pd.DataFrame:
    """Rows of train.csv (image_id and a column of 0 and 1 for each condition)."""
    return one_hot_rows(folder / "train.csv", IMAGE, COLUMNS, id="image_id")


def read_test(folder: Path) -> pd.DataFrame:
    """The ids of test.csv."""
    return unlabelled_rows(folder / "test.csv", IMAGE, id="image_id")


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """images/, train.csv, test.csv and sample_submission.csv."""
    write_images(table, images, folder, train=IMAGE, test=IMAGE)
    known, hidden = table[~table["hidden"]], table[table["hidden"]]
    cells = {name: (known["label"] == name).astype(int).astype(str) for name in COLUMNS}
    write_csv(folder / "train.csv", {"image_id": known["id"], **cells})
    write_csv(folder / "test.csv", {"image_id": hidden["id"]})
    even = dict.fromkeys(COLUMNS, ["0.25"] * len(hidden))
    write_csv(folder / "sample_submission.csv", {"image_id": hidden["id"], **even})


COMPETITION = Competition(
    name="plant_pathology_2020",
    slug="plant-pathology-2020-fgvc7",
    title="Plant Pathology 2020 - FGVC7",
    target=OneClass(names=COLUMNS),
    metric="mean_column_auc",
    sample="sample_submission.csv",
    read_train=read_train,
    read_test=read_test,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
    packed=True,
)
