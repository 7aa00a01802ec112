"""What lies in a folder: its images, the split that each folder is of, its tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from common.data.image_files import leads_up
from common.data.image_paths import image_names
from common.data.records import NoRecordsError, read_table
from common.data.split_names import PREDICT, TEST, TRAIN, roles_of
from common.errors import KitError
from common.progress import counted, first_of

TABLES = (".csv", ".json")
HOLDERS = (
    ".hdf5",
    ".h5",
    ".npy",
    ".npz",
    ".dcm",
    ".dicom",
    ".tfrec",
    ".tfrecord",
    ".parquet",
    ".mat",
    ".nii",
)
DEEPEST = 4  # folders above a table


@dataclass(frozen=True)
class Inventory:
    """A folder's images and tables by path from it, with slashes.

    Attributes:
        roles: `train`, `val`, `test` or `predict` of the folders that are called so, by path.
        unread: why a table was left out, a sentence each.
    """

    folder: Path
    images: tuple[str, ...]
    roles: Mapping[str, str]
    tables: Mapping[str, pd.DataFrame]
    unread: tuple[str, ...]

    def role(self, image: str) -> str:
        """The split that the folders above an image name, the innermost first; '' for none."""
        while image := image.rpartition("/")[0]:
            if image in self.roles:
                return self.roles[image]
        return ""

    def said(self) -> str:
        """How many images there are, by their folder on top, and the tables."""
        tops = pd.Series([each.rpartition("/")[0].partition("/")[0] or "." for each in self.images])
        counts = [f"{top}/ {n:,}" for top, n in tops.value_counts(sort=False).items()]
        tables = [f"{name} ({counted(len(rows), 'row')})" for name, rows in self.tables.items()]
        images = f"{counted(len(self.images), 'image')} ({first_of(counts)})"
        return f"{images if self.images else 'no image'}; tables: {first_of(tables) or 'none'}"


def look(folder: Path) -> Inventory:
    """A folder with a competition's files, unpacked, to what is in it."""
    images = tuple(image_names(folder))
    tables, unread, other = {}, [], []
    paths = [path for deep in range(DEEPEST) for path in folder.glob("*/" * deep + "*")]
    for path in sorted(paths):
        name = path.relative_to(folder).as_posix()
        hidden = any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
        hidden = hidden or any(map(leads_up, path.parents[: name.count("/")]))
        if path.suffix.lower() in TABLES and not hidden:
            try:
                tables[name] = read_table(path)
            except NoRecordsError:
                other.append(name)
            except KitError as error:
                unread.append(f"{name} was not read: {error}")
    if other:
        are = "is no table" if len(other) == 1 else f"({counted(len(other), 'file')}) are no tables"
        unread.append(f"{first_of(other, 2)} {are}: neither a list of records nor COCO's images")
    return Inventory(folder, images, _roles(images), tables, tuple(unread))


def unread_images(folder: Path) -> str:
    """A clause on files that may hold images and are none that are read; '' where there is none."""
    found = [f for f in sorted(folder.rglob("*")) if f.suffix.lower() in HOLDERS]
    shown = first_of([path.relative_to(folder).as_posix() for path in found], 2)
    return f" ({shown} may hold them, and such files are not read: convert them to PNG)" * bool(
        found
    )


def _roles(images: tuple[str, ...]) -> dict[str, str]:
    """The folders above images that are called as a split, siblings judged together."""
    inside: dict[str, set[str]] = {}
    for folder in {each.rpartition("/")[0] for each in images}:
        for place in (PurePosixPath(folder), *PurePosixPath(folder).parents):
            if place.name:
                inside.setdefault(str(place.parent), set()).add(place.name)
    found: dict[str, str] = {}
    for parent, names in inside.items():
        roles = roles_of(sorted(names))
        if len(roles) < len(names) and {*roles.values()} == {TRAIN} and len(roles) > 1:
            roles = {}  # `training shoes` among other classes
        found |= {(f"{parent}/{n}" if parent != "." else n): role for n, role in roles.items()}
    return found


def is_held_out(role: str) -> bool:
    """Is this the role of images without labels?"""
    return role in (TEST, PREDICT)
