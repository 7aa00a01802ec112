"""The classes of a competition, in the one order that every array of probs follows."""

import re
from collections.abc import Iterable, Sequence
from unicodedata import normalize

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.errors import KitError
from common.progress import first_of

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?")


def classes_of(sample: pd.DataFrame, labels: pd.Series, source: str) -> tuple[str, ...]:
    """The sample's class columns where it has them, else the labels, sorted.

    Args:
        sample: the sample submission, text: `id, label`, or `id` and a column for every class.
        labels: the training labels.
        source: the name of the sample's file, for messages.

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
        if remarks := label_remarks(known, sample):
            raise KitError(f"no label is a column of {source}: {remarks[-1]}")
        raise KitError(
            f"{source} has the columns {first_of(list(sample.columns))}: an id and a label, or an "
            "id and a column for every class, were expected; download the files again"
        )
    unknown = [label for label in known if label not in classes]
    if unknown:
        raise KitError(
            f"the labels {first_of(unknown)} are no column of {source} ({len(classes)} classes): "
            "correct the labels, or download the files again"
        )
    return classes


def alike(names: Iterable[str]) -> list[list[str]]:
    """The groups of names that differ in case, blanks, form or the writing of a number alone."""
    found: dict[str | float, list[str]] = {}
    for name in sorted(set(names)):
        plain = " ".join(normalize("NFKC", name).casefold().split())
        key = float(plain) if NUMBER.fullmatch(plain) else plain
        found.setdefault(key, []).append(name)
    return [group for group in found.values() if len(group) > 1]


def label_remarks(labels: Iterable[str], sample: pd.DataFrame) -> list[str]:
    """A sentence for classes that may be one, and for classes that the sample writes in another way."""
    known = set(labels)
    found = [
        f"the classes {' and '.join(map(repr, names))} differ in case, blanks, form or the writing of "
        "a number alone: are they one? Write them alike if so"
        for names in alike(known)
    ]
    told = set(sample.iloc[:, 1]) if len(sample.columns) == 2 else set(sample.columns[1:])
    others = [
        (next(name for name in group if name in known), one)
        for group in alike(known | told)
        if {*group} & known and not {*group} & known & told
        for one in group
        if one in told
    ]
    if others:
        ours, theirs = others[0]
        found.append(
            f"the training labels have {ours!r} where the sample submission has {theirs!r}, and a "
            f"submission would have {ours!r}: write the labels as the sample does if they are the same"
        )
    return found


def targets_of(labels: pd.Series, classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """The index of every label [N] among the classes."""
    targets = pd.Index(list(classes)).get_indexer(pd.Index(labels))
    assert (targets >= 0).all(), "classes_of lets no unknown label pass"
    return targets.astype(np.int64)
