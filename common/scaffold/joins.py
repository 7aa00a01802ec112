"""Ids to images: the pattern by which each id of a column is the name of an image."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from common.data.image_paths import ANY_FOLDERS, ANY_SUFFIX
from common.data.split_names import TRAIN, VAL
from common.errors import KitError
from common.progress import first_of
from common.scaffold.inventory import Inventory, is_held_out

PROBED = 500  # ids that are tried first, so that other columns cost no time
SHARE = 0.1  # of the ids have to have an image, or the column is none of ids


@dataclass(frozen=True)
class Join:
    """How ids become images.

    Attributes:
        pattern: of `common.data.image_paths`, as 'train/{id}.jpg' or 'train/**/{id}'.
        images: the image of each id, '' where there is none.
    """

    pattern: str
    images: tuple[str, ...]

    @property
    def named(self) -> frozenset[str]:
        """The images."""
        return frozenset(filter(None, self.images))

    @property
    def lacking(self) -> int:
        """How many ids have no image."""
        return sum(not each for each in self.images)


class Images:
    """A folder's images by their names, with suffix and without, for ids of one split."""

    def __init__(self, inventory: Inventory, *, test: bool) -> None:
        """`test`: those that the test set may have, for a training table those of training."""
        self._roles, self._all = inventory.roles, inventory.images
        self._by_name = defaultdict[str, list[tuple[int, str]]](list)
        for image in inventory.images:
            role = inventory.role(image)
            if role == TRAIN if test else is_held_out(role):
                continue
            rank = (not is_held_out(role)) if test else (role != TRAIN) + (role == VAL)
            last = image.rpartition("/")[2]
            for name in {last, _stem(last)}:
                self._by_name[name].append((int(rank), image))

    def join(self, ids: Sequence[str]) -> Join | None:
        """Ids to their images; None where most have none.

        Raises:
            KitError: ids name several images each, and no folder or suffix tells which are meant.
        """
        probe = ids[:: max(1, len(ids) // PROBED)]
        if not any(self._found(each) for each in probe):
            return None
        found = [self._found(each) for each in ids]
        some = sum(map(bool, found))
        if not some or some < SHARE * len(ids):
            return None
        counts = Counter(pair for pairs in found for pair in pairs)
        whole = [pair for pair, count in counts.items() if count == some]
        if len(whole) == 1:
            before, after = whole[0]
            images = [
                before + i + after if each else "" for i, each in zip(ids, found, strict=True)
            ]
            return Join(f"{before}{{id}}{after}", tuple(images))
        doubt = next(
            ((i, pairs) for i, pairs in zip(ids, found, strict=True) if len(pairs) > 1), None
        )
        if doubt:
            name, pairs = doubt
            raise KitError(
                f"the id {name!r} may mean {first_of([a + name + b for a, b in pairs])}: "
                f"{self._choice(pairs)}"
            )
        images = [p[0][0] + i + p[0][1] if p else "" for i, p in zip(ids, found, strict=True)]
        return Join(_open_pattern([*counts], self._roles), tuple(images))

    def _choice(self, pairs: Sequence[tuple[str, str]]) -> str:
        """What tells which of several images is meant, and leaves those of the other split."""
        folders = [before for before, _ in pairs]
        if len({after for _, after in pairs}) == len(pairs):
            pattern = f"*{pairs[0][1]}"
        else:
            words = [{*re.split(r"[\W_]+", folder)} for folder in folders]
            pattern = next((f"*{word}*" for word in sorted(words[0].difference(*words[1:]))), "")
        kept = [image for image in self._all if pattern and fnmatchcase(image, pattern)]
        if any(not image.startswith(tuple(folders)) for image in kept):
            return f"say which images are meant, as in --images '{pattern}'"
        return "call the folder of the training images train, and that of the test images test"

    def _found(self, name: str) -> list[tuple[str, str]]:
        """What stands before and after an id in the paths of its images, the best split's alone."""
        name = name.removeprefix("./")
        ranked = []
        for rank, image in self._by_name.get(name.rpartition("/")[2], []):
            for rest in (image, _stem(image)):
                if name and (rest == name or rest.endswith(f"/{name}")):
                    ranked.append((rank, rest.removesuffix(name), image.removeprefix(rest)))
                    break
        best = min((each[0] for each in ranked), default=0)
        return [each[1:] for each in ranked if each[0] == best]


def _open_pattern(pairs: Sequence[tuple[str, str]], roles: Mapping[str, str]) -> str:
    """The pattern of images that lie in several folders, or have several suffixes.

    Below the innermost folder of all that is called as a split, or else the outermost.
    """
    folders, suffixes = {a for a, _ in pairs}, {b for _, b in pairs}
    top = os.path.commonpath(["/" + each for each in folders]).strip("/")
    while "/" in top and top not in roles:
        top = top.rpartition("/")[0]
    before = folders.pop() if len(folders) == 1 else (f"{top}/" * bool(top)) + ANY_FOLDERS
    return f"{before}{{id}}{suffixes.pop() if len(suffixes) == 1 else ANY_SUFFIX}"


def check_pattern(pattern: str) -> None:
    """Check that a pattern's folders have no character that stands for something in patterns.

    Raises:
        KitError: a folder that has: which.
    """
    folders = [part.replace("{label}", "") for part in pattern.split("/")[:-1] if part != "**"]
    folder = next((part for part in folders if {*part} & {*"{}*"}), "")
    if folder:
        raise KitError(
            f"images lie in {pattern}, and {folder} has a brace or a star in its name, which stand for columns "
            "and folders in a pattern: rename that folder"
        )


def _stem(path: str) -> str:
    folder, slash, last = path.rpartition("/")
    return folder + slash + (last.rpartition(".")[0] or last)
