"""aptos2019-blindness-detection: how far is diabetic retinopathy? Five grades of 3,662 photographs.

About 13,000 hidden ones are scored by quadratic weighted kappa. It takes notebooks only.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.competition import Competition
from common.data.csv_layout import labelled_rows, unlabelled_rows, write_csv, write_images
from common.targets import Grades
from competitions.aptos.recipes import NOTES, RECIPES

TRAIN, TEST = "train_images/{id}.png", "test_images/{id}.png"


def read_train(folder: Path) -> pd.DataFrame:
    """Rows of train.csv (id_code, diagnosis)."""
    return labelled_rows(folder / "train.csv", TRAIN, id="id_code", label="diagnosis")


def read_test(folder: Path) -> pd.DataFrame:
    """The ids of test.csv."""
    return unlabelled_rows(folder / "test.csv", TEST, id="id_code")


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """train_images/, test_images/, train.csv, test.csv and sample_submission.csv."""
    write_images(table, images, folder, train=TRAIN, test=TEST)
    known, hidden = table[~table["hidden"]], table[table["hidden"]]
    write_csv(folder / "train.csv", {"id_code": known["id"], "diagnosis": known["label"]})
    write_csv(folder / "test.csv", {"id_code": hidden["id"]})
    write_csv(
        folder / "sample_submission.csv",
        {"id_code": hidden["id"], "diagnosis": ["0"] * len(hidden)},
    )


COMPETITION = Competition(
    name="aptos",
    slug="aptos2019-blindness-detection",
    title="APTOS 2019 Blindness Detection",
    target=Grades(lowest=0, highest=4),
    metric="qwk",
    sample="sample_submission.csv",
    read_train=read_train,
    read_test=read_test,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
    packed=True,
    code=True,
)
