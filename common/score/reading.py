"""How a competition writes its answers, where metric and columns alone do not tell."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.errors import KitError
from common.progress import counted, first_of
from common.score.cells import refuse
from common.submission.check import Cells


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How cells and ids are read.

    Attributes:
        one_label: a cell of labels is one label, spaces and all.
        separator: between labels of one cell; ' ' is any white space.
        empty: what stands for no label, besides an empty cell.
        yes: where one column is yes or no, the word that F takes for yes; empty: each word is a label.
        targets: there is a row for each image and target: the targets, in the order of their weights.
        pattern: how an id is made of the image's and the target's name.
    """

    one_label: bool = False
    separator: str = " "
    empty: str = ""
    yes: str = ""
    targets: tuple[str, ...] = ()
    pattern: str = "{id}{name}"

    def labels(self, cell: str) -> list[str]:
        """The labels of one cell without the spaces around it."""
        if cell in ("", self.empty.strip()):
            return []
        if self.one_label:
            return [cell]
        words = cell.split(None if self.separator == " " else self.separator)
        return [word.strip() for word in words if word.strip()]


@dataclass(frozen=True)
class ByImage:
    """Which row of a long table [N] holds each image's targets: images [M], rows [M, T], -1 for none."""

    images: Cells
    rows: npt.NDArray[np.int64]

    def wide(self, column: "pd.Series[str]", names: Sequence[str], lacking: str) -> pd.DataFrame:
        """A column of the long table [N] as a column a target [M]; `lacking` where there is no row."""
        cells = np.append(column.to_numpy(dtype=object), lacking)
        return pd.DataFrame(cells[self.rows], columns=list(names), dtype=object)

    def of_images(self, values: npt.NDArray[Any], what: str) -> npt.NDArray[Any]:
        """A value of each row [N] as one of each image [M]; KitError where an image has two."""
        first = values[self.rows.max(axis=1)]
        other = ((values[self.rows] != first[:, None]) & (self.rows >= 0)).any(axis=1)
        refuse(other, self.images, f"whose targets differ in {what}")
        return first


def by_image(ids: Cells, reading: Reading) -> ByImage:
    """Ids of a row for each image and target, sorted by image.

    Raises:
        KitError: an id ends in none of the targets' names, or a target has no row.
    """
    names = "|".join(re.escape(name) for name in reading.targets)
    head, tail = (re.escape(part) for part in ("{id}", "{name}"))
    made = re.escape(reading.pattern).replace(head, "(?P<id>.+?)").replace(tail, f"(?P<t>{names})")
    found = [re.fullmatch(made, each) for each in ids]
    refuse(
        [each is None for each in found],
        ids,
        f"of a target other than {', '.join(reading.targets)}",
    )
    images = np.array([each["id"] for each in found if each], dtype=object)
    targets = [reading.targets.index(each["t"]) for each in found if each]
    codes, stems = pd.factorize(images)
    rows = np.full((len(stems), len(reading.targets)), -1, dtype=np.int64)
    rows[codes, targets] = np.arange(len(ids))
    absent = [name for at, name in enumerate(reading.targets) if (rows[:, at] < 0).all()]
    if absent:
        raise KitError(
            f"no id ends in {first_of(absent)}, of {counted(len(reading.targets), 'target')}"
        )
    return ByImage(np.asarray(stems, dtype=object), rows)
