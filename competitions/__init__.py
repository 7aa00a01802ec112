"""Competitions, one folder each: facts in `__init__.py`, recipes with lab notes in `recipes.py`."""

import difflib
import importlib
from pathlib import Path

from common.competition import Competition
from common.errors import KitError


def names() -> list[str]:
    """The folders that hold a competition."""
    here = Path(__file__).parent
    return sorted(path.parent.name for path in here.glob("*/recipes.py"))


def load(name: str) -> Competition:
    """The competition of this folder name, its Kaggle slug, or either with dashes.

    Raises:
        KitError: there is none; the nearest is named.
    """
    known = names()
    plain = name.replace("-", "_")
    for folder in [plain] if plain in known else known:
        competition = importlib.import_module(f"competitions.{folder}").COMPETITION
        assert isinstance(competition, Competition)
        if folder == plain or competition.slug == name:
            return competition
    close = difflib.get_close_matches(plain, known, n=1, cutoff=0.4)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise KitError(
        f"no competition {name!r}: {hint}There are {', '.join(known)}; `kit new {name}` begins one"
    )
