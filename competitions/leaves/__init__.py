"""classify-leaves: 176 species, 18,353 labelled images of leaves and 8,800 to label, 224x224."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.competition import Competition
from common.data.csv_layout import labelled_rows, unlabelled_rows, write_csv, write_images
from competitions.leaves.recipes import NOTES, RECIPES

IMAGE = "{id}"  # an id is a path: images/0.jpg


def read_train(folder: Path) -> pd.DataFrame:
    """Rows of train.csv (image,label)."""
    return labelled_rows(folder / "train.csv", IMAGE, id="image")


def read_test(folder: Path) -> pd.DataFrame:
    """Rows of test.csv (image)."""
    return unlabelled_rows(folder / "test.csv", IMAGE, id="image")


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """images/ for both, train.csv, test.csv and sample_submission.csv."""
    write_images(table, images, folder, train=IMAGE, test=IMAGE)
    known, hidden = table[~table["hidden"]], table[table["hidden"]]
    write_csv(folder / "train.csv", {"image": known["id"], "label": known["label"]})
    write_csv(folder / "test.csv", {"image": hidden["id"]})
    some = [known["label"].iloc[0]] * len(hidden)
    write_csv(folder / "sample_submission.csv", {"image": hidden["id"], "label": some})


COMPETITION = Competition(
    name="leaves",
    slug="classify-leaves",
    title="Classify Leaves",
    metric="accuracy",
    sample="sample_submission.csv",
    read_train=read_train,
    read_test=read_test,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
    packed=True,
)
