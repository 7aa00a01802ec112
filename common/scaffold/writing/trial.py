"""A competition's source to what it reads: what is written passes `check`, or is not written."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from common.competition import Competition
from common.data.image_paths import image_names
from common.data.table import check_table
from common.errors import KitError
from common.progress import counted, first_of
from common.scaffold.conclusions import Facts
from common.scaffold.inventory import unread_images
from common.scaffold.writing.template import Called, facts_source, recipes_source
from common.workflow.files import data_root, read_files


def check_reads(called: Called, facts: Facts, folder: Path) -> None:
    """Check that the written competition reads the files, and that the images it names are there.

    Raises:
        KitError: a table that no run takes; training images that are missing or empty; no test image.
    """
    competition = competition_of(called, facts)
    place = data_root(folder, competition.sample)
    train = read_files(competition, place).train
    test = check_table(competition.read_test(place), source=f"the test set of {place}")
    there = {os.path.normpath(place / name) for name in image_names(place)}
    paths = [*map(os.path.normpath, train["path"])]
    missing = [path for path in paths if path not in there]
    empty = [path for path in paths if path in there and _is_empty(path)]
    for wrong, what in ((missing, "missing"), (empty, "empty files")):
        if wrong:
            raise KitError(
                f"{len(wrong):,} of {counted(len(paths), 'training image')} are {what} "
                f"({_shown(wrong, place)}): download them, or drop their rows; a run stops at them"
            )
    tests = [*map(os.path.normpath, test["path"])]
    if not any(path in there and not _is_empty(path) for path in tests):
        others = sorted(there - {*paths}) or sorted(there)
        raise KitError(
            f"none of {counted(len(tests), 'test image')} is there, without which a run stops: "
            f"{facts.sample.id} of {facts.sample.name} is {facts.sample.ids[0]!r}, which no image is called; "
            f"one is called {os.path.relpath(others[0], place)}: download the test images, or rename "
            f"them{unread_images(place)}"
        )


def competition_of(called: Called, facts: Facts) -> Competition:
    """The competition that the sources of its folder make, without the folder."""
    module = f"competitions.{called.name}"
    recipes = ModuleType(f"{module}.recipes")
    exec(recipes_source(called), recipes.__dict__)
    names: dict[str, Any] = {}
    sys.modules |= {module: ModuleType(module), recipes.__name__: recipes}
    try:
        exec(facts_source(called, facts), names)
    finally:
        for each in (module, recipes.__name__):
            del sys.modules[each]
    competition: Competition = names["COMPETITION"]
    return competition


def _is_empty(path: str) -> bool:
    file = Path(path)  # or an image of a pack, which has been looked at
    return file.is_file() and not file.stat().st_size


def _shown(paths: Sequence[str], folder: Path) -> str:
    return first_of([os.path.relpath(path, folder) for path in paths], 2)
