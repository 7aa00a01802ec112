"""Explain missing image files: find them under another name or folder and describe the difference."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path, PurePath
from unicodedata import normalize

from common.data.archives.pack import Pack, packs_of
from common.data.image_files import IMAGES
from common.data.split_names import WORDS

MOST = 500_000  # files that are looked at
ZEROS = re.compile(r"(?<!\d)0+(?=\d)")


def why_missing(paths: Sequence[str]) -> str:
    """Missing paths to a clause that says where most of them are; empty if none is found."""
    places = defaultdict(list)
    wanted = {_key(path) for path in paths}
    for found in islice(_near(paths), MOST):
        if (key := _key(found)) in wanted:
            places[key].append(found)
    pairs = [(path, twin) for path in paths if (twin := _twin(path, places[_key(path)]))]
    if not pairs:
        return ""
    words = Counter(_difference(*pair) for pair in pairs)
    most, count = words.most_common(1)[0]
    path, twin = next(pair for pair in pairs if _difference(*pair) == most)
    root = os.path.commonpath([path, twin])
    return (
        f"{count:,} of the {len(paths):,} missing are there {most}: {os.path.relpath(twin, root)} and not "
        f"{os.path.relpath(path, root)}; rename or move the files, or correct the path in the "
        "competition's reader"
    )


def _near(paths: Sequence[str]) -> Iterator[str]:
    """The images in the folders where the missing ones should be, or else around these folders."""
    folder = Path(os.path.commonpath([str(PurePath(path).parent) for path in paths]))
    while not folder.is_dir() and folder != folder.parent and not packs_of(folder):
        folder = folder.parent
    # Images may lie beside their folder; beside the tables' folder lies somebody else's.
    around = [folder] if any(folder.glob("*.csv")) or packs_of(folder) else [folder, folder.parent]
    for place in around:
        for parent, _, names in os.walk(place):
            yield from (f"{parent}{os.sep}{each}" for each in names)
    for root in (folder, *folder.parents):
        for pack in packs_of(root):
            yield from (str(root / name) for name in Pack(pack).names())


def _key(path: str) -> str:
    """What is left of a file's name without case, form, leading zeros and suffixes of images."""
    name = PurePath(ZEROS.sub("", normalize("NFC", PurePath(path).name).casefold()))
    while name.suffix in IMAGES:
        name = name.with_suffix("")
    return name.name


def _twin(path: str, found: Sequence[str]) -> str:
    """The nearest of the files of one key that is not plainly of another part of the data set."""
    own = _parts(path)
    fit = [each for each in found if each != path and not (own and _parts(each) - own)]
    return max(fit, key=lambda each: len(os.path.commonpath([path, each])), default="")


def _parts(path: str) -> set[str]:
    return {WORDS[part.lower()] for part in PurePath(path).parent.parts if part.lower() in WORDS}


def _difference(path: str, twin: str) -> str:
    """In which ways two paths of one key differ."""
    named, called = (PurePath(normalize("NFC", each)) for each in (path, twin))
    words = []
    if named.parent != called.parent:
        further = called.parent.is_relative_to(named.parent)
        words.append("in a folder further down" if further else "in another folder")
    if called.suffix and named.stem == called.name:
        words.append(f"without a second suffix (the ids carry {called.suffix} already)")
        named = named.with_suffix("")
    if named.suffix != called.suffix:
        words.append(f"with the suffix {called.suffix}" if called.suffix else "without a suffix")
    name, other = named.stem, called.stem
    if name != other and ZEROS.sub("", name).casefold() == ZEROS.sub("", other).casefold():
        same = name.casefold() == other.casefold()
        words.append("with other capitals" if same else "with more or fewer leading zeros")
    if words == [] and path != twin:
        words.append("in another form of Unicode (NFC or NFD)")
    return " and ".join(words)
