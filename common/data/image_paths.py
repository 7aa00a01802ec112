"""Where a competition's images lie: patterns such as 'train/{id}.jpg' to paths, and back.

In braces are columns of a table. `**/` stands for any folders or none, `.*` for any suffix:
'train/**/{id}.*' is the one image below train/ that is called as the id is.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from common.data.archives.pack import Pack, packs_of
from common.data.image_files import IMAGES, images_below
from common.errors import KitError
from common.progress import counted, first_of

FIELD = re.compile(r"\{(\w+)\}")
ANY_FOLDERS, ANY_SUFFIX = "**/", ".*"
# A label ends where the pattern goes on for the first time, an id where it does so for the last time.
PARTS = {
    "{label}": "(?P<label>[^/]+?)",
    "{id}": "(?P<id>.+)",
    ANY_FOLDERS: "(?:.*/)?",
    ANY_SUFFIX: r"\.\w+",
}


def image_names(folder: Path) -> list[str]:
    """The paths of all images below a folder, with slashes, those in packs (of it, or above) too."""
    found = {name.removeprefix("./") for name, _ in images_below(folder, folder)}
    for root in (folder, *folder.parents):
        within = "" if root == folder else f"{folder.relative_to(root).as_posix()}/"
        for pack in packs_of(root):
            found |= {n.removeprefix(within) for n in Pack(pack).names() if n.startswith(within)}
    return sorted(name for name in found if is_image(name))


def is_image(name: str) -> bool:
    """Is this the name of an image? A name without a suffix may be one."""
    return PurePosixPath(name).suffix.lower() in ("", *IMAGES)


def paths_of(rows: pd.DataFrame, folder: Path, pattern: str) -> list[str]:
    """A path for each row; where the pattern leaves it open and no image is there, a likely one.

    The pattern is relative to the folder, or a path.

    Raises:
        KitError: several images are called as one row's.
    """
    whole = os.path.normpath(folder / pattern)
    plain = [*_filled(rows, whole)]
    if not is_open(pattern):
        return plain
    place = Path(re.split(r"[{*]", whole)[0] + "_").parent
    images = defaultdict(list)
    for name in image_names(place):
        images[_key(name, pattern)].append(f"{place}/{name}")
    paths, doubtful = [], []
    for name in plain:
        found = [each for each in images[_key(name, pattern)] if _fits(each, name)]
        paths.append(found[0] if found else closed(name))
        doubtful += [f"{closed(name)}: {first_of(found)}"] if len(found) > 1 else []
    if doubtful:
        raise KitError(
            f"{counted(len(doubtful), 'row')} may mean several images ({first_of(doubtful, 2)}): write "
            f"the folder that is meant into {pattern!r} in the competition's reader"
        )
    return paths


def is_open(pattern: str) -> bool:
    """Has the folder to be searched for the images of a pattern?"""
    return ANY_FOLDERS in pattern or pattern.endswith(ANY_SUFFIX)


def closed(pattern: str) -> str:
    """A pattern without what it leaves open: where an image is written, as 'train/{id}.jpg'."""
    pattern = pattern.replace(ANY_FOLDERS, "")
    return pattern.removesuffix(ANY_SUFFIX) + ".jpg" * pattern.endswith(ANY_SUFFIX)


def place_of(pattern: str, row: Mapping[Any, Any]) -> str:
    """Where the image of a row is written."""
    return closed(pattern).format(**row)


def labelled_images(folder: Path, pattern: str, *, but: Iterable[str] = ()) -> pd.DataFrame:
    """The images that fit a pattern with {label} and {id} as a table `id, path, label`.

    Where images of several labels have one id (cat/1.jpg, dog/1.jpg) the label is a part of all ids.

    Args:
        but: paths of images that are left out, as those of the test set where the pattern fits them.

    Raises:
        KitError: no image fits.
    """
    spelled = re.split(r"(\{label\}|\{id\}|\*\*/|\.\*$)", pattern)
    parts = PARTS | ({"{id}": "(?P<id>[^/]+)"} if ANY_FOLDERS in pattern else {})
    fits = re.compile("".join(parts.get(part, re.escape(part)) for part in spelled))
    found = [(fits.fullmatch(name), str(folder / name)) for name in image_names(folder)]
    others = {*map(os.path.normpath, but)}
    kept = [(m, path) for m, path in found if m and os.path.normpath(path) not in others]
    rows = [(m["id"], path, m["label"], m) for m, path in kept]
    if not rows:
        raise KitError(
            f"{folder} has no image {pattern}: correct the pattern, or fetch the files again "
            "(`kit <competition> download`)"
        )
    table = pd.DataFrame([row[:3] for row in rows], columns=["id", "path", "label"], dtype=str)
    if table["id"].duplicated().any():
        table["id"] = [m.string[m.start("label") : m.end("id")] for *_, m in rows]
    return table


def _filled(rows: pd.DataFrame, pattern: str) -> Iterator[str]:
    names = FIELD.findall(pattern)
    if len(names) == 1:
        before, after = pattern.split(f"{{{names[0]}}}")
        yield from (before + each + after for each in rows[names[0]])
    else:
        columns = [rows[name].tolist() for name in names]
        for values in zip(*columns, strict=True):
            yield pattern.format(**dict(zip(names, values, strict=True)))


def _key(name: str, pattern: str) -> str:
    """What the name of an image, or of a row that stands for one, is looked up by."""
    last = name.rpartition("/")[2]
    if not pattern.endswith(ANY_SUFFIX):
        return last
    return last.removesuffix(ANY_SUFFIX) if last.endswith(ANY_SUFFIX) else _stem(last)


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def _fits(image: str, name: str) -> bool:
    """Is this the image of a name such as 'train/**/a/1.*'?"""
    before, deep, after = name.rpartition(ANY_FOLDERS)
    stem = after.removesuffix(ANY_SUFFIX)
    rest = _stem(image) if after.endswith(ANY_SUFFIX) else image
    if not deep:
        return rest == stem
    return image.startswith(before) and (rest == before + stem or rest.endswith(f"/{stem}"))
