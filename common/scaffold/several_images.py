"""Tables of which a row is several images: patients, channels, views. The kit answers one image a row."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from common.errors import KitError
from common.progress import counted, first_of
from common.scaffold.answers import answers_in
from common.scaffold.inventory import Inventory
from common.scaffold.joins import Images
from common.scaffold.samples import Sample

MARK = re.compile(r"[\W_]")
NO_TARGET = "so that a row is several images: no target of the kit"


def check_training(inventory: Inventory, sample: Sample) -> None:
    """Check that no table with answers has several images a row.

    Raises:
        KitError: one has: which, and the images of one of its rows.
    """
    called = {*sample.names} or {*sample.rows[sample.answers[0]]}  # a table of the classes
    begun = _by_beginning(image for image in inventory.images if image not in sample.found)
    for name, rows in inventory.tables.items():
        for column in rows.columns if name != sample.name else ():
            values = rows[column].tolist()
            if not rows[column].is_unique or called & {*values}:
                continue
            shown = _several(values, begun)
            if shown and answers_in(rows, column, sample, ""):
                raise KitError(
                    f"{column} of {name} is the beginning of several images' names "
                    f"each ({shown}), {NO_TARGET}"
                )


def check_sample(inventory: Inventory, sample: Sample) -> None:
    """Check that no row of a sample, whose ids are no images, is several images.

    Raises:
        KitError: by its ids, or by a table that has several rows for each.
    """
    if shown := _several(sample.ids, _by_beginning(inventory.images)):
        raise KitError(
            f"{sample.id} of {sample.name} is the beginning of several images' names each "
            f"({shown}), {NO_TARGET}"
        )
    images = Images(inventory, test=True)
    for name, rows in inventory.tables.items():
        for key in rows.columns if name != sample.name else ():
            if rows[key].is_unique or not {*sample.ids} <= {*rows[key]}:
                continue
            if any(rows[c].is_unique and images.join(rows[c].tolist()) for c in rows.columns):
                raise KitError(
                    f"{name} has {counted(len(rows), 'image')} for the {counted(len(sample.ids), 'row')} of "
                    f"{sample.name}, several for one {key}, {NO_TARGET}"
                )


def _by_beginning(images: Iterable[str]) -> dict[str, list[str]]:
    """Images by each beginning of their names, and by the folder they lie in."""
    found = defaultdict[str, list[str]](list)
    for image in images:
        path = PurePosixPath(image)
        for key in {path.parent.name, *(path.stem[: m.start()] for m in MARK.finditer(path.stem))}:
            found[key].append(image)
    return found


def _several(ids: Sequence[str], begun: dict[str, list[str]]) -> str:
    """An id and its images, where most ids are the beginning of several images' names; else ''."""
    several = [each for each in ids if len(begun.get(each, ())) > 1]
    if 2 * len(several) <= len(ids):
        return ""
    return f"{several[0]}: {first_of(begun[several[0]], 2)}"
