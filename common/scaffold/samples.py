"""The sample submission among the tables, and where the images of its rows lie."""

import re
from dataclasses import dataclass, replace

import pandas as pd

from common.data.split_names import TEST, TRAIN
from common.errors import KitError
from common.progress import counted, first_of
from common.scaffold.inventory import Inventory
from common.scaffold.joins import Images
from common.scaffold.values import separated

NAMED = re.compile(r"(^|[^a-z])sample|submission", re.IGNORECASE)
SEPARATORS = ("__", "_", "-", ":", ".")
PLACEHOLDER = "{id}"


@dataclass(frozen=True)
class Sample:
    """The sample submission.

    Attributes:
        name: its file.
        rows: text; the first column is the id.
        images: the pattern of the images of its rows, relative to its folder.
        found: these images; none where the pattern is a guess.
        beside: where the pattern names a column of another table: that table, its column of the
            sample's ids, and that column.
        parts: of a sample with a row for each image and column: the pattern of its ids, the images'
            ids and the columns' names.
        told: how that was found, a sentence.
        doubt: what of it is a guess, a sentence; '' for nothing.
    """

    name: str
    rows: pd.DataFrame
    images: str = ""
    found: frozenset[str] = frozenset()
    beside: tuple[str, str, str] | None = None
    parts: tuple[str, tuple[str, ...], tuple[str, ...]] | None = None
    told: str = ""
    doubt: str = ""

    @property
    def id(self) -> str:
        """The name of its column of ids."""
        return str(self.rows.columns[0])

    @property
    def answers(self) -> list[str]:
        """The names of its other columns."""
        return [str(name) for name in self.rows.columns[1:]]

    @property
    def ids(self) -> list[str]:
        """The ids of the test images."""
        return [*self.parts[1]] if self.parts else self.rows[self.id].tolist()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what is asked of an image, where it is more than one."""
        if self.parts:
            return self.parts[2]
        return tuple(self.answers) if len(self.answers) > 1 else ()


def find_sample(inventory: Inventory, given: str) -> Sample:
    """The table that is called as a sample submission is, or the one that is `given`.

    Raises:
        KitError: there is none, or more than one; the tables that there are.
    """
    tables = inventory.tables
    found = [name for name in tables if NAMED.search(name.rpartition("/")[2])]
    if given:
        found = [name for name in tables if is_named(name, given)]
        if not found:
            raise KitError(
                f"--sample {given}: no table is called so, only {first_of([*tables]) or 'none'}"
            )
    unread = [each for each in inventory.unread if NAMED.search(each.partition(" was not")[0])]
    if unread and not found:
        raise KitError(unread[0])
    if len(found) != 1:
        what = (
            f"{first_of(found)} may each be the sample"
            if found
            else "no table is called as a sample"
        )
        raise KitError(
            f"{what} submission: {'' if found else 'download it, or '}name it (--sample FILE; there are "
            f"{first_of([*tables]) or 'no tables'})"
            + (
                ""
                if found
                else ", or call `kit folder run --data DIR` on class folders without one"
            )
        )
    rows = tables[found[0]]
    if len(rows.columns) < 2:
        mark = separated(rows)
        raise KitError(
            f"{found[0]} has one column, {rows.columns[0]!r}, and a sample submission has two"
            + (f": its values are separated by {mark}, save it with commas" if mark else "")
        )
    return _with_images(Sample(found[0], rows), inventory)


def is_named(file: str, given: str) -> bool:
    """Is this file the one that is given, by its name or more of its path?"""
    return f"/{file}".endswith(f"/{given}") or f"/{given}".endswith(f"/{file}")


def _with_images(sample: Sample, inventory: Inventory) -> Sample:
    """The sample with the pattern of its images: by its ids, by parts of them, or by another table."""
    images = Images(inventory, test=True)
    if found := images.join(sample.ids):
        return replace(
            sample, images=found.pattern, found=found.named, doubt=_lacking(found.lacking, sample),
            told=f"its ids are images as {found.pattern}",
        )  # fmt: skip
    for name, rows in inventory.tables.items():
        for key in _keys(rows, sample) if name != sample.name else ():
            for column in filter(str.isidentifier, rows.columns.drop(key)):
                told = dict(zip(rows[key], rows[column], strict=True))
                found = images.join([told[each] for each in sample.ids])
                if found and len({*found.images}) == len(sample.ids):
                    pattern = found.pattern.replace(PLACEHOLDER, f"{{{column}}}")
                    return replace(
                        sample, images=pattern, found=found.named, beside=(name, key, str(column)),
                        told=f"{name} has the images of its ids in {column}, as {pattern}",
                    )  # fmt: skip
    for column in sample.answers:
        if sample.rows[column].is_unique and images.join(sample.rows[column].tolist()):
            raise KitError(
                f"{column} of {sample.name} names the test images, and {sample.id}, its first column, none: a "
                f"submission's ids come first; write a copy of it with {column} first, and name that "
                "(--sample FILE)"
            )
    for parts in splits(sample.rows[sample.id].tolist()):
        if len(sample.answers) == 1 and (found := images.join(parts[1])):
            return replace(
                sample, images=found.pattern, found=found.named, parts=parts,
                doubt=_lacking(found.lacking, sample),
                told=f"its ids are {parts[0]}, of {counted(len(parts[1]), 'image')} as "
                f"{found.pattern}, each with {first_of(parts[2])}",
            )  # fmt: skip
    return sample


def _keys(rows: pd.DataFrame, sample: Sample) -> list[str]:
    """The columns of another table that hold the sample's ids, each once."""
    wanted = set(sample.ids)
    return [name for name in rows.columns if rows[name].is_unique and wanted <= {*rows[name]}]


def splits(ids: list[str]) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """The ways to read ids as an image's id and one of the same few names, a row for each pair."""
    found = []
    for mark in SEPARATORS:
        for cut in (str.partition, str.rpartition):
            pairs = [cut(each, mark) for each in ids]
            stems = tuple(dict.fromkeys(each[0] for each in pairs))
            names = tuple(dict.fromkeys(each[2] for each in pairs))
            whole = len(stems) * len(names) == len({*ids}) == len(ids)
            if whole and len(names) > 1 and all(names) and all(stems):
                found.append((f"{{id}}{mark}{{name}}", stems, names))
    return found


def guessed(sample: Sample, inventory: Inventory, train: str) -> Sample:
    """The sample with images where training images suggest them, for none of its own are here."""
    if sample.images:
        return sample
    tests = sorted(place for place, role in inventory.roles.items() if role == TEST)
    trains = [place for place, role in inventory.roles.items() if role == TRAIN]
    own = next((place for place in trains if train.startswith(f"{place}/")), "")
    other = tests[0] if tests else own.replace("train", "test")
    pattern = train.replace(f"{own}/", f"{other}/", 1) if own else train
    pattern = re.sub(r"\{label\}[^{]?", "", pattern)
    return replace(
        sample, images=pattern,
        doubt=f"where the test images lie: none is called as an id of {sample.name} is "
        f"({first_of(sample.ids, 2)}); {pattern} is a guess from the training images",
    )  # fmt: skip


def _lacking(count: int, sample: Sample) -> str:
    return f"{counted(count, 'id')} of {sample.name} without an image" if count else ""
