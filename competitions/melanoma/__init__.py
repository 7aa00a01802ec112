"""siim-isic-melanoma-classification: is a mole malignant? 33,126 photographs of 2,056 patients.

10,982 more are to be scored, by AUC; 1.8 % of the labelled are malignant. The JPEG files are read.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.competition import Competition
from common.data.csv_layout import labelled_rows, unlabelled_rows, write_csv, write_images
from common.targets import YesNo
from competitions.melanoma.recipes import NOTES, RECIPES

TRAIN, TEST = "jpeg/train/{id}.jpg", "jpeg/test/{id}.jpg"


def read_train(folder: Path) -> pd.DataFrame:
    """Rows of train.csv (image_name, target); a patient's photographs are one group."""
    return labelled_rows(
        folder / "train.csv", TRAIN, id="image_name", label="target", group="patient_id"
    )


def read_test(folder: Path) -> pd.DataFrame:
    """The ids of the sample submission."""
    return unlabelled_rows(folder / "sample_submission.csv", TEST, id="image_name")


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """jpeg/train/, jpeg/test/, train.csv and sample_submission.csv."""
    write_images(table, images, folder, train=TRAIN, test=TEST)
    known, hidden = table[~table["hidden"]], table[table["hidden"]]
    columns = {"image_name": known["id"], "patient_id": known["group"], "target": known["label"]}
    write_csv(folder / "train.csv", columns)
    write_csv(
        folder / "sample_submission.csv",
        {"image_name": hidden["id"], "target": ["0"] * len(hidden)},
    )


COMPETITION = Competition(
    name="melanoma",
    slug="siim-isic-melanoma-classification",
    title="SIIM-ISIC Melanoma Classification",
    target=YesNo(),
    metric="auc",
    sample="sample_submission.csv",
    read_train=read_train,
    read_test=read_test,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
    packed=True,
)
