"""plant-pathology-2021-fgvc8: leaves of apple trees, each with any of six labels.

18,632 labelled photographs; about 5,000 hidden ones are scored by F1. It takes notebooks only.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.competition import Competition
from common.data.csv_layout import labelled_rows, unlabelled_rows, write_csv, write_images
from common.targets import LabelSet
from competitions.plant_pathology_2021.recipes import NOTES, RECIPES

LABELS = ("complex", "frog_eye_leaf_spot", "healthy", "powdery_mildew", "rust", "scab")
TRAIN, TEST = "train_images/{id}", "test_images/{id}"


def read_train(folder: Path) -> pd.DataFrame:
    """Rows of train.csv (image, labels); an image's id has its suffix."""
    return labelled_rows(folder / "train.csv", TRAIN, id="image", label="labels")


def read_test(folder: Path) -> pd.DataFrame:
    """The ids of the sample submission."""
    return unlabelled_rows(folder / "sample_submission.csv", TEST, id="image")


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """train_images/, test_images/, train.csv and sample_submission.csv."""
    write_images(table, images, folder, train=TRAIN, test=TEST)
    known, hidden = table[~table["hidden"]], table[table["hidden"]]
    write_csv(folder / "train.csv", {"image": known["id"], "labels": known["label"]})
    write_csv(
        folder / "sample_submission.csv",
        {"image": hidden["id"], "labels": ["healthy"] * len(hidden)},
    )


COMPETITION = Competition(
    name="plant_pathology_2021",
    slug="plant-pathology-2021-fgvc8",
    title="Plant Pathology 2021 - FGVC8",
    target=LabelSet(names=LABELS, empty=None),  # a healthy leaf has a label of its own
    metric="f1_micro",
    sample="sample_submission.csv",
    read_train=read_train,
    read_test=read_test,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
    packed=True,
    code=True,
)
