"""dogs-vs-cats-redux-kernels-edition: a dog or a cat? 25,000 photographs whose names tell it.

12,500 more are to be scored, by the log loss of the probability of a dog.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.competition import Competition
from common.data.csv_layout import unlabelled_rows, write_csv, write_images
from common.data.image_paths import labelled_images
from common.targets import YesNo
from competitions.dogs_vs_cats.recipes import NOTES, RECIPES

TRAIN, TEST = "train/{label}.{id}.jpg", "test/{id}.jpg"
SAMPLE = "sample_submission.csv"


def read_train(folder: Path) -> pd.DataFrame:
    """Rows of the images' paths (id, label)."""
    return labelled_images(folder, TRAIN)


def read_test(folder: Path) -> pd.DataFrame:
    """The ids of the sample submission."""
    return unlabelled_rows(folder / SAMPLE, TEST)


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """Write rows as this competition's files, for rehearsals and tests; `hidden` marks test rows."""
    write_images(table, images, folder, train=TRAIN, test=TEST)
    hidden = table[table["hidden"]]
    write_csv(folder / SAMPLE, {"id": hidden["id"], "label": ["0.5"] * len(hidden)})


COMPETITION = Competition(
    name="dogs_vs_cats",
    slug="dogs-vs-cats-redux-kernels-edition",
    title="Dogs vs. Cats Redux: Kernels Edition",
    target=YesNo(yes="dog"),
    metric="log_loss",
    sample=SAMPLE,
    read_train=read_train,
    read_test=read_test,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
    packed=True,
)
