"""scikit-learn's handwritten digits (UCI, 1,797 scans of 8x8), laid out as a competition.

It needs no account and no download: the embedded default, and the template for a new one.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.competition import Competition, Embedded
from common.data.csv_layout import labelled_rows, unlabelled_rows, write_csv, write_images
from competitions.digits.recipes import NOTES, RECIPES

TRAIN, TEST = "train/{id}.png", "test/{id}.png"


def read_train(folder: Path) -> pd.DataFrame:
    """Rows of labels.csv (id,label)."""
    return labelled_rows(folder / "labels.csv", TRAIN)


def read_test(folder: Path) -> pd.DataFrame:
    """The ids of the sample submission."""
    return unlabelled_rows(folder / "sample_submission.csv", TEST)


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """train/, test/, labels.csv and sample_submission.csv."""
    write_images(table, images, folder, train=TRAIN, test=TEST)
    known, hidden = table[~table["hidden"]], table[table["hidden"]]
    write_csv(folder / "labels.csv", {"id": known["id"], "label": known["label"]})
    write_csv(folder / "sample_submission.csv", {"id": hidden["id"], "label": ["0"] * len(hidden)})


def embedded() -> Embedded:
    """The 1,797 digits as PNG files; a fifth of them, drawn once, is the hidden test set."""
    import cv2
    import numpy as np
    from sklearn.datasets import load_digits

    data = load_digits()
    grey = np.round(data.images * (255 / 16)).astype(np.uint8)
    hidden = np.random.default_rng(0).permutation(len(grey)) < len(grey) // 5
    ids = [f"digit-{number:04}" for number in range(len(grey))]
    table = pd.DataFrame({"id": ids, "label": data.target.astype(str), "hidden": hidden})
    return Embedded(table=table, images=[cv2.imencode(".png", each)[1].tobytes() for each in grey])


COMPETITION = Competition(
    name="digits",
    slug="digits",
    title="Handwritten digits",
    metric="accuracy",
    sample="sample_submission.csv",
    read_train=read_train,
    read_test=read_test,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
    packed=True,
    embedded=embedded,
)
