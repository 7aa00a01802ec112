"""ranzcr-clip-catheter-line-classification: which catheters and tubes does a chest X-ray show, and how placed?

Eleven labels, several images a patient; about 14,000 hidden ones are scored by the mean of the
columns' AUC. It takes notebooks only.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.competition import Competition
from common.data.csv_layout import labelled_rows, unlabelled_rows, write_csv, write_images
from common.targets import LabelSet
from competitions.ranzcr.recipes import NOTES, RECIPES

COLUMNS = (
    "ETT - Abnormal",
    "ETT - Borderline",
    "ETT - Normal",
    "NGT - Abnormal",
    "NGT - Borderline",
    "NGT - Incompletely Imaged",
    "NGT - Normal",
    "CVC - Abnormal",
    "CVC - Borderline",
    "CVC - Normal",
    "Swan Ganz Catheter Present",
)
TRAIN, TEST = "train/{id}.jpg", "test/{id}.jpg"
LABELS = "train.csv"
SAMPLE = "sample_submission.csv"


def read_train(folder: Path) -> pd.DataFrame:
    """Rows of train.csv (StudyInstanceUID, ETT - Abnormal, ETT - Borderline, ETT - Normal …)."""
    return labelled_rows(
        folder / LABELS, TRAIN, columns=COLUMNS, id="StudyInstanceUID", group="PatientID"
    )


def read_test(folder: Path) -> pd.DataFrame:
    """The ids of the sample submission."""
    return unlabelled_rows(folder / SAMPLE, TEST, id="StudyInstanceUID")


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """Write rows as this competition's files, for rehearsals and tests; `hidden` marks test rows."""
    write_images(table, images, folder, train=TRAIN, test=TEST)
    known, hidden = table[~table["hidden"]], table[table["hidden"]]
    write_csv(
        folder / LABELS,
        {
            "StudyInstanceUID": known["id"],
            "PatientID": known["group"],
            **{name: known[name] for name in COLUMNS},
        },
    )
    write_csv(
        folder / SAMPLE,
        {"StudyInstanceUID": hidden["id"], **dict.fromkeys(COLUMNS, ["0"] * len(hidden))},
    )


COMPETITION = Competition(
    name="ranzcr",
    slug="ranzcr-clip-catheter-line-classification",
    title="RANZCR CLiP - Catheter and Line Position Challenge",
    target=LabelSet(names=COLUMNS, wide=True),
    metric="mean_column_auc",
    sample=SAMPLE,
    read_train=read_train,
    read_test=read_test,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
    packed=True,
    code=True,
)
