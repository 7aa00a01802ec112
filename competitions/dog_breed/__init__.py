"""dog-breed-identification: 120 breeds, 10,222 labelled photographs and 10,357 to label."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.competition import Competition
from common.data.csv_layout import labelled_rows, unlabelled_rows, write_csv, write_images
from competitions.dog_breed.recipes import NOTES, RECIPES

TRAIN, TEST = "train/{id}.jpg", "test/{id}.jpg"


def read_train(folder: Path) -> pd.DataFrame:
    """Rows of labels.csv (id,breed)."""
    return labelled_rows(folder / "labels.csv", TRAIN, label="breed")


def read_test(folder: Path) -> pd.DataFrame:
    """The ids of the sample submission."""
    return unlabelled_rows(folder / "sample_submission.csv", TEST)


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """train/, test/, labels.csv and sample_submission.csv with a column for every breed."""
    write_images(table, images, folder, train=TRAIN, test=TEST)
    known, hidden = table[~table["hidden"]], table[table["hidden"]]
    write_csv(folder / "labels.csv", {"id": known["id"], "breed": known["label"]})
    breeds = sorted(known["label"].unique())
    even = [f"{1 / len(breeds):.15g}"] * len(hidden)
    columns = {"id": hidden["id"]} | dict.fromkeys(breeds, even)
    write_csv(folder / "sample_submission.csv", columns)


COMPETITION = Competition(
    name="dog_breed",
    slug="dog-breed-identification",
    title="Dog Breed Identification",
    metric="log_loss",
    sample="sample_submission.csv",
    read_train=read_train,
    read_test=read_test,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
    packed=True,
    caution="every network trained on ImageNet has seen these photographs, so that CV and "
    "leaderboard both flatter",
)
