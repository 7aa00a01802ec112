"""petfinder-pawpularity-score: how popular is a pet's photograph, from 1 to 100? 9,912 are labelled.

About 6,800 hidden ones are scored by RMSE. It takes notebooks only.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.competition import Competition
from common.data.csv_layout import labelled_rows, unlabelled_rows, write_csv, write_images
from common.targets import Numbers
from competitions.petfinder.recipes import NOTES, RECIPES

TRAIN, TEST = "train/{id}.jpg", "test/{id}.jpg"
SCORE = "Pawpularity"


def read_train(folder: Path) -> pd.DataFrame:
    """Rows of train.csv (Id, twelve marks by hand that are not used, Pawpularity)."""
    return labelled_rows(folder / "train.csv", TRAIN, id="Id", columns=[SCORE])


def read_test(folder: Path) -> pd.DataFrame:
    """The ids of test.csv."""
    return unlabelled_rows(folder / "test.csv", TEST, id="Id")


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """train/, test/, train.csv, test.csv and sample_submission.csv."""
    write_images(table, images, folder, train=TRAIN, test=TEST)
    known, hidden = table[~table["hidden"]], table[table["hidden"]]
    write_csv(folder / "train.csv", {"Id": known["id"], SCORE: known[SCORE]})
    write_csv(folder / "test.csv", {"Id": hidden["id"]})
    write_csv(folder / "sample_submission.csv", {"Id": hidden["id"], SCORE: ["38"] * len(hidden)})


COMPETITION = Competition(
    name="petfinder",
    slug="petfinder-pawpularity-score",
    title="PetFinder.my - Pawpularity Contest",
    target=Numbers(names=(SCORE,), low=1, high=100),
    metric="rmse",
    sample="sample_submission.csv",
    read_train=read_train,
    read_test=read_test,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
    packed=True,
    code=True,
)
