"""scikit-learn's handwritten digits (UCI, 1,797 scans of 8x8), each with any of four traits.

Which of even, large (5 and more), loop (a closed one: 0, 6, 8, 9) and prime is a digit? A 1 is none
of them. It needs no account and no download: the embedded data set of label sets.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.competition import Competition, Embedded
from common.data.csv_layout import labelled_rows, unlabelled_rows, write_csv, write_images
from common.targets import LabelSet
from competitions.digit_traits.recipes import NOTES, RECIPES

TRAITS = {"even": (0, 2, 4, 6, 8), "large": (5, 6, 7, 8, 9), "loop": (0, 6, 8, 9), "prime": (2, 3, 5, 7)}  # fmt: skip
TRAIN, TEST = "train/{id}.png", "test/{id}.png"


def read_train(folder: Path) -> pd.DataFrame:
    """Rows of labels.csv (id, traits), where a digit without a trait has an empty cell."""
    return labelled_rows(folder / "labels.csv", TRAIN, label="traits")


def read_test(folder: Path) -> pd.DataFrame:
    """The ids of the sample submission."""
    return unlabelled_rows(folder / "sample_submission.csv", TEST)


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """train/, test/, labels.csv and sample_submission.csv."""
    write_images(table, images, folder, train=TRAIN, test=TEST)
    known, hidden = table[~table["hidden"]], table[table["hidden"]]
    write_csv(folder / "labels.csv", {"id": known["id"], "traits": known["label"]})
    write_csv(
        folder / "sample_submission.csv", {"id": hidden["id"], "traits": ["even"] * len(hidden)}
    )


def embedded() -> Embedded:
    """The 1,797 digits as PNG files; a fifth of them, drawn once, is the hidden test set."""
    import cv2
    import numpy as np
    from sklearn.datasets import load_digits

    data = load_digits()
    grey = np.round(data.images * (255 / 16)).astype(np.uint8)
    hidden = np.random.default_rng(0).permutation(len(grey)) < len(grey) // 5
    traits = [
        " ".join(k for k, members in TRAITS.items() if each in members) for each in data.target
    ]
    ids = [f"digit-{number:04}" for number in range(len(grey))]
    table = pd.DataFrame({"id": ids, "label": traits, "hidden": hidden})
    return Embedded(table=table, images=[cv2.imencode(".png", each)[1].tobytes() for each in grey])


COMPETITION = Competition(
    name="digit_traits",
    slug="digit-traits",
    title="Traits of handwritten digits",
    target=LabelSet(names=tuple(TRAITS)),
    metric="f1_macro",
    sample="sample_submission.csv",
    read_train=read_train,
    read_test=read_test,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
    packed=True,
    embedded=embedded,
)
