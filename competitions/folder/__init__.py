"""A data set of class folders: train/<class>/…, or <class>/…, with or without a test set.

Parts go by the names that people use, training_set/ and seg_test/ too; what may be a part or a
class is asked about, and a file kit_classes.txt answers.

It is on no site: nothing is downloaded or submitted. Where the test set has class folders too, or
there is a val/ and no test/, the run is scored on it, as a course does.
"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from common.competition import Competition
from common.data.class_folders import open_tree
from common.data.csv_layout import write_images
from common.data.dataset_layout import CLASSES
from common.progress import say
from competitions.folder.recipes import NOTES, RECIPES


def read_train(folder: Path) -> pd.DataFrame:
    """A row an image of the class folders; its id is its path, as train/cat/1.jpg."""
    tree = open_tree(folder)
    for remark in tree.remarks():
        say(remark)
    return tree.train_rows()


def read_test(folder: Path) -> pd.DataFrame:
    """The images of test/, or of val/ where there is no test/; none where there is neither."""
    return open_tree(folder).test_rows().loc[:, ["id", "path"]]


def read_answers(folder: Path) -> pd.DataFrame | None:
    """The ids and labels of the test set, where its folders tell them."""
    rows = open_tree(folder).test_rows()
    return rows[["id", "label"]] if "label" in rows else None


def make_sample(folder: Path) -> pd.DataFrame:
    """The test set's ids, all with the label of the first class."""
    tree = open_tree(folder)
    return tree.test_rows()[["id"]].assign(label=tree.train_rows()["label"].iloc[0])


def lay_out(table: pd.DataFrame, images: Sequence[bytes], folder: Path) -> None:
    """train/<class>/ for labelled rows, test/ without folders for the others, the classes' names."""
    names = [
        _below(name, "test" if hidden else label)
        for name, label, hidden in zip(table["id"], table["label"], table["hidden"], strict=True)
    ]
    write_images(table.assign(id=names), images, folder, train="train/{id}", test="{id}")
    # A class may be called as a part of a data set is, here and below it: nothing is to be judged.
    classes = sorted(set(table.loc[~table["hidden"], "label"]))
    (folder / CLASSES).write_text("".join(f"{name}\n" for name in classes), encoding="utf-8")


def _below(name: str, place: str) -> str:
    """The part of a path from its folder `place` on; put below one where it has none."""
    parts = PurePosixPath(name).parts
    at = parts.index(place) if place in parts[:-1] else -1
    return "/".join(parts[at:] if at >= 0 else (place, *parts))


COMPETITION = Competition(
    name="folder",
    slug="folder",
    title="A folder of images",
    metric="accuracy",
    on_kaggle=False,
    read_train=read_train,
    read_test=read_test,
    read_answers=read_answers,
    make_sample=make_sample,
    lay_out=lay_out,
    recipes=RECIPES,
    notes=NOTES,
)
