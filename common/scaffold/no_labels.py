"""Why a folder has no training rows: which half of a table is missing, its images or its answers."""

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from common.data.image_files import IMAGES
from common.progress import counted, first_of
from common.scaffold.inventory import Inventory, is_held_out
from common.scaffold.joins import Images
from common.scaffold.samples import Sample
from common.scaffold.values import is_geometry, separated

ZEROS = re.compile(r"(?<!\d)0+(?=\d)")


def why_no_labels(inventory: Inventory, sample: Sample) -> str:
    """A folder without training rows to a sentence on what each table lacks, and what to do."""
    tables = {name: rows for name, rows in inventory.tables.items() if name != sample.name}
    images = Images(inventory, test=False)
    for name, rows in tables.items():
        if several := _named_more_than_once(name, rows, images):
            return several
    whys = [
        _lacking(name, rows, sample, images, inventory)
        for name, rows in tables.items()
        if not any({*rows[column]} <= {*sample.ids} for column in rows.columns)  # the test set
    ]
    whys = [each for each in inventory.unread if sample.name not in each] + whys
    if not whys:
        return (
            f"no labels were found: there is no table of training images beside {sample.name}, and "
            f"neither folders nor names of the images ({inventory.images[0]} …) are labels; download "
            "the training table, or name the labels' place in the paths (--images 'train/{label}/{id}.jpg')"
        )
    return f"no labels were found: {'; '.join(whys[:3])}"


def _lacking(
    name: str, rows: pd.DataFrame, sample: Sample, images: Images, inventory: Inventory
) -> str:
    if mark := separated(rows):
        return (
            f"{name} has one column, {rows.columns[0]!r}, separated by {mark}: save it with commas"
        )
    for column in rows.columns:
        if rows[column].is_unique and images.join(rows[column].tolist()):
            others = first_of([c for c in rows.columns if c != column]) or "no other column"
            return (
                f"{name} names images in {column}, and none of its other columns ({others}) has the "
                f"answers of {sample.name} ({first_of(sample.answers)}) as name or values: call it so, or "
                "write a table with these columns"
            )
    known = [each for each in inventory.images if not is_held_out(inventory.role(each))]
    column, id, file = _nearest(rows, sample, known or inventory.images)
    return f"{name} has no column that names images: {column} is {id!r}, and a file is {file!r}; make them alike"


def _nearest(rows: pd.DataFrame, sample: Sample, images: Sequence[str]) -> tuple[str, str, str]:
    """A table's column, a value and an image that are nearly called alike, or else any."""
    others = [image for image in images if image not in sample.found]
    keys: Mapping[str, str] = {_key(image.rpartition("/")[0]): image for image in others} | {
        _key(image): image for image in others
    }
    columns = sorted(rows.columns, key=lambda each: each.casefold() != sample.id.casefold())
    for column in columns:
        for value in rows[column].head(500):
            if _key(value) in keys:
                return column, value, keys[_key(value)]
    other = next((each for each in images if each not in sample.found), images[0])
    return columns[0], rows[columns[0]].iloc[0], other


def _key(name: str) -> str:
    """A name without what differs by mistake: folders, case, spaces, zeros in front, suffixes."""
    last = re.split(r"[/\\]", name.strip().casefold())[-1]
    stem, dot, suffix = last.rpartition(".")
    return ZEROS.sub("", stem if dot and (f".{suffix}" in IMAGES or suffix == "0") else last)


def no_shapes(column: "pd.Series[str]", name: str) -> str:
    """A sentence for a table's column of masks or boxes."""
    shown = column[column != ""].iloc[0]
    return (
        f"{column.name} of {name} holds masks or boxes ({shown[:30]!r} …): segmentation and detection are no "
        "tasks of the kit, which answers for whole images"
    )


def _named_more_than_once(name: str, rows: pd.DataFrame, images: Images) -> str:
    """A sentence for a table that has several rows for each of some images; '' without one."""
    for column in rows.columns:
        values = rows[column].unique().tolist()
        if len(values) < len(rows) and images.join(values):
            if shapes := [c for c in rows.columns if c != column and is_geometry(rows[c])]:
                return no_shapes(rows[shapes[0]], name)
            equal = len(rows.drop_duplicates()) == len(values)
            what = "rows that are equal: leave all but one out" if equal else "rows: join them"
            return (
                f"{name} has {len(rows):,} rows for the {counted(len(values), 'image')} that {column} "
                f"names, and the kit takes one answer an image; {rows[column][rows[column].duplicated()].iloc[0]} has "
                f"several {what} in a table of your own beside it, and name that (--train FILE)"
            )
    return ""
