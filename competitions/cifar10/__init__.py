"""cifar-10: ten classes of 32x32 photographs, 50,000 labelled and 300,000 to label (10,000 count)."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.competition import Competition
from common.data.csv_layout import labelled_rows, unlabelled_rows, write_csv, write_images
from competitions.cifar10.recipes import NOTES, RECIPES

TRAIN, TEST = "train/{id}.png", "test/{id}.png"


def read_train(folder: Path) -> pd.DataFrame:
    """Rows of trainLabels.csv (id,label)."""
    return labelled_rows(folder / "trainLabels.csv", TRAIN)


def read_test(folder: Path) -> pd.DataFrame:
    """The ids of the sample submission."""
    return unlabelled_rows(folder / "sampleSubmission.csv", TEST)


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """train/, test/, trainLabels.csv and sampleSubmission.csv."""
    write_images(table, images, folder, train=TRAIN, test=TEST)
    known, hidden = table[~table["hidden"]], table[table["hidden"]]
    write_csv(folder / "trainLabels.csv", {"id": known["id"], "label": known["label"]})
    write_csv(folder / "sampleSubmission.csv", {"id": hidden["id"], "label": ["cat"] * len(hidden)})


COMPETITION = Competition(
    name="cifar10",
    slug="cifar-10",
    title="CIFAR-10 - Object Recognition in Images",
    metric="accuracy",
    sample="sampleSubmission.csv",
    read_train=read_train,
    read_test=read_test,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
    packed=True,
)
