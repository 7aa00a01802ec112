"""The classes of a competition, in the one order that every array of probs follows."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.errors import KitError
from common.progress import first_of


def classes_of(sample: pd.DataFrame, labels: pd.Series, path: Path) -> tuple[str, ...]:
    """The sample's class columns where it has them, else the labels, sorted.

    Args:
        sample: the sample submission, text: `id, label`, or `id` and a column for every class.
        labels: the training labels.
        path: the sample's file, for messages.

    Raises:
        KitError: a training label that is no column of a sample of class columns; one class only.
    """
    known = sorted(set(labels))
    if len(sample.columns) == 2:
        if len(known) < 2:
            raise KitError(f"all training labels are {known[0]!r}: there is nothing to learn")
        return tuple(known)
    classes = tuple(sample.columns[1:])
    if not set(known) & set(classes):
        raise KitError(
            f"{path.name} has the columns {first_of(list(sample.columns))}: an id and a label, or an "
            "id and a column for every class, were expected; download the files again"
        )
    unknown = [label for label in known if label not in classes]
    if unknown:
        raise KitError(
            f"the labels {first_of(unknown)} are no column of {path.name} ({len(classes)} classes): "
            "correct the labels, or download the files again"
        )
    return classes


def targets_of(labels: pd.Series, classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """The index of every label [N] among the classes."""
    targets = pd.Index(list(classes)).get_indexer(pd.Index(labels))
    assert (targets >= 0).all(), "classes_of lets no unknown label pass"
    return targets.astype(np.int64)
