"""Folders whose names are the labels: which of them hold what, and their images as rows."""

import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from common.data.image_headers import IMAGES
from common.errors import KitError
from common.progress import first_of

TRAIN = ("train", "training")
TEST = ("test", "testing")
VALIDATION = ("val", "valid", "validation")
# What lies beside images and is none. Anything else must decode: a strange file is told, not lost.
NOT_IMAGES = (
    ".7z", ".csv", ".db", ".htm", ".html", ".ini", ".ipynb", ".json", ".log", ".md", ".pdf", ".py",
    ".tsv", ".txt", ".xml", ".yaml", ".yml", ".zip",
)  # fmt: skip
NOT_OURS = ("__MACOSX",)
EXAMPLE = "train/<class>/1.jpg or <class>/1.jpg"


@dataclass(frozen=True)
class Tree:
    """Where the images of a data set lie.

    Attributes:
        root: the folder that ids are relative to.
        train: the folder whose folders are the classes.
        test: the folder of the test set, with class folders or without; None where there is none.
        unused: a validation folder beside a test set, or None.
    """

    root: Path
    train: Path
    test: Path | None
    unused: Path | None

    def train_rows(self) -> pd.DataFrame:
        """A table `id, path, label` of the class folders that hold images.

        Raises:
            KitError: fewer than two of them, or images beside them.
        """
        rows = self._labelled(self.classes())
        count = rows["label"].nunique()
        if count < 2:
            raise KitError(
                f"{self.train} has images of {count} class{'es' * (not count)}, and two are the least: "
                f"every class needs a folder with images, as in {EXAMPLE}"
            )
        return rows

    def test_rows(self) -> pd.DataFrame:
        """A table `id, path` of the test set, or `id, path, label` where its folders are classes.

        It is empty where there is no test set.

        Raises:
            KitError: folders that are no class of the training set, or images beside folders.
        """
        if self.test is None:
            return _frame([])
        folders = _class_folders(self.test)
        if not folders:
            return _frame(_images(self.test, self.root))
        classes = {each.name for each in self.classes()}
        strange = [each.name for each in folders if each.name not in classes]
        if strange:
            raise KitError(
                f"{self.test} has the folders {first_of(strange)}, which {self.train} has not: "
                "rename them as its classes are called, or, when the labels of these images are not "
                f"known, move the images to {self.test} itself"
            )
        return self._labelled(folders)

    def classes(self) -> list[Path]:
        """The class folders of the training set, in order, empty ones too."""
        splits = (*TEST, *VALIDATION) if self.train == self.root else ()
        return [each for each in _class_folders(self.train) if each.name.lower() not in splits]

    def remarks(self) -> list[str]:
        """What a person should know of how the folders were taken."""
        found = []
        if self.test is not None and self.test.name.lower() in VALIDATION:
            found.append(f"{self.test} is taken for the test set: there is no test folder")
        if self.unused is not None:
            found.append(
                f"{self.unused} is not used, the folds are cut from {self.train}: move its images "
                "there to train on them"
            )
        empty = [each.name for each in self.classes() if not _images(each, self.root)]
        if empty:
            found.append(f"{self.train}: no images in {first_of(empty)}, left out of the classes")
        return found

    def _labelled(self, folders: list[Path]) -> pd.DataFrame:
        found = [_frame(_images(each, self.root)).assign(label=each.name) for each in folders]
        return pd.concat([_frame([]).assign(label=""), *found], ignore_index=True)


def open_tree(folder: Path) -> Tree:
    """Find train/, val/ and test/ in a data set, or class folders, there or one folder below.

    `training`, `testing`, `valid` and `validation` are understood as well, in large or small
    letters. Without a test folder, a validation folder is the test set.

    Raises:
        KitError: there are no folders at all.
    """
    root, folders = folder, _folders(folder)
    while len(folders) == 1 and not _named(folders, (*TRAIN, *TEST, *VALIDATION)):
        inner = _folders(folders[0])  # an archive often holds one folder, with all in it
        if not inner:
            break
        root, folders = folders[0], inner
    if not folders:
        raise KitError(
            f"{folder} holds no class folders: put the images of every class into a folder of its "
            f"own, as in {EXAMPLE}"
        )
    train, test, val = (_named(folders, names) for names in (TRAIN, TEST, VALIDATION))
    if train is not None and not _folders(train):
        train = None  # a class of this name, among buses and trams
    return Tree(root, train or root, test or val, val if test else None)


def _named(folders: list[Path], names: tuple[str, ...]) -> Path | None:
    return next((each for each in folders if each.name.lower() in names), None)


def _class_folders(place: Path) -> list[Path]:
    """The folders of a place, in order; images beside them are refused, for they have no class."""
    folders = _folders(place)
    loose = [each.name for each in place.iterdir() if each.suffix.lower() in IMAGES]
    if folders and loose:
        raise KitError(
            f"{place} has {len(loose):,} images outside its class folders ({first_of(sorted(loose))}): "
            "move each into a class folder, or away"
        )
    return folders


def _folders(place: Path) -> list[Path]:
    return sorted(each for each in place.iterdir() if each.is_dir() and _is_ours(each.name))


def _images(place: Path, root: Path) -> list[tuple[str, str]]:
    """The images below a place, however deep: (path from the root with slashes, path), in order."""
    within = place.relative_to(root).as_posix()
    found = []
    for parent, folders, names in os.walk(place, followlinks=True):
        folders[:] = filter(_is_ours, folders)
        inner = within + parent[len(str(place)) :].replace(os.sep, "/")
        found += [
            (f"{inner}/{name}", f"{parent}{os.sep}{name}") for name in names if _is_image(name)
        ]
    return sorted(found)


def _frame(images: list[tuple[str, str]]) -> pd.DataFrame:
    return pd.DataFrame(images, columns=["id", "path"], dtype=str)


def _is_ours(name: str) -> bool:
    return not name.startswith(".") and name not in NOT_OURS


def _is_image(name: str) -> bool:
    return _is_ours(name) and not name.lower().endswith(NOT_IMAGES)
