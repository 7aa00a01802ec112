"""An image-folder data set (train/<class>/1.jpg) to tables of `id, path, label`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from common.data.dataset_layout import DatasetLayout, find_layout, settle_by_file
from common.data.image_files import EXAMPLE, images_below, leads_up, loose_images, visible_folders
from common.data.split_names import TRAIN, roles_of
from common.errors import KitError
from common.progress import first_of


@dataclass(frozen=True)
class Tree:
    """An image-folder data set: train and test folders, read as tables.

    Attributes:
        root: the folder that ids are relative to.
        train: the folder whose folders are the classes.
        test: the folder of the test set, with class folders or without; None where there is none.
        layout: how the folders are interpreted.
    """

    root: Path
    train: Path
    test: Path | None
    layout: DatasetLayout

    def train_rows(self) -> pd.DataFrame:
        """A table `id, path, label` of the class folders that hold images.

        Raises:
            KitError: fewer than two of them, images beside them, or parts of a data set in them.
        """
        rows = self._labelled(self.classes())
        count = rows["label"].nunique()
        if count < 2:
            raise KitError(
                f"{self.train} has images of {count} class{'es' * (not count)}, and two are the least: "
                f"every class needs a folder with images, as in {EXAMPLE}"
            )
        if not self.layout.listed:
            self._check_depth(rows["id"].tolist())
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
            return _frame(images_below(self.test, self.root))
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
        _class_folders(self.train)
        return list(self.layout.classes)

    def remarks(self) -> list[str]:
        """Messages about the interpretation: unused folders, skipped links, empty classes."""
        found, links = list(self.layout.remarks), list[str]()
        places = dict.fromkeys([self.root, self.train, *([self.test] if self.test else [])])
        links += [str(each) for place in places for each in place.iterdir() if leads_up(each)]
        empty = [each.name for each in self.classes() if not images_below(each, self.root, links)]
        if self.test:
            images_below(self.test, self.root, links)
        if links:
            found.append(
                f"links to folders that are read already are not followed: {first_of(sorted({*links}))}"
            )
        if empty:
            found.append(f"{self.train}: no images in {first_of(empty)}, left out of the classes")
        return found

    def _labelled(self, folders: Sequence[Path]) -> pd.DataFrame:
        found = [_frame(images_below(each, self.root)).assign(label=each.name) for each in folders]
        return pd.concat([_frame([]).assign(label=""), *found], ignore_index=True)

    def _check_depth(self, ids: list[str]) -> None:
        """Refuse parts of a data set inside the classes: cat/train, cat/test, dog/train."""
        below: dict[PurePosixPath, set[str]] = {}
        within = len(self.train.relative_to(self.root).parts)
        for name in {each.rpartition("/")[0] for each in ids}:
            place = PurePosixPath(name)
            while len(place.parts) > within + 1:
                below.setdefault(place.parent, set()).add(place.name)
                place = place.parent
        for place, names in sorted(below.items()):
            roles = roles_of(sorted(names))
            parts = set(roles.values())
            if len(roles) == len(names) or (TRAIN in parts and len(parts) > 1):
                raise KitError(
                    f"{self.root / place} has the folders {first_of(sorted(names))}: that looks like a "
                    "split inside of a class, or above the classes, and its parts are not told apart "
                    f"there. Lay it out as train/<class>/1.jpg and test/<class>/2.jpg, or name the "
                    f"folder that holds {first_of(list(roles))} (--data DIR)"
                    f"{settle_by_file(self.root, 'if all below a class is of that class')}"
                )


def open_tree(folder: Path) -> Tree:
    """Find train/, val/ and test/ in a data set, or class folders, there or some folders below.

    DatasetLayout are known by the names that people use (`common.data.split_names`). Without a test folder, a
    validation folder is the test set, and without that, a folder of images to predict. A file
    `kit_classes.txt` with the names of the class folders, one a line, settles what is in doubt.

    Raises:
        KitError: there are no folders at all, or it cannot be told whether they are classes.
    """
    layout = find_layout(folder)
    return Tree(layout.root, layout.train, layout.test, layout)


def _class_folders(place: Path) -> list[Path]:
    """The folders of a place, in order; images beside them are refused, for they have no class."""
    folders, loose = visible_folders(place), loose_images(place)
    if folders and loose:
        raise KitError(
            f"{place} has {len(loose):,} images outside its class folders ({first_of(sorted(loose))}): "
            "move each into a class folder, or away"
        )
    return folders


def _frame(images: list[tuple[str, str]]) -> pd.DataFrame:
    return pd.DataFrame(images, columns=["id", "path"], dtype=str)
