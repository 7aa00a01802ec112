"""Competitions, one folder each: facts in `__init__.py`, recipes and lab notes in `recipes.py`."""

import difflib
import importlib
from pathlib import Path

from common.competition import Competition
from common.errors import KitError
from common.kaggle.address import is_address, slug_in


def names() -> list[str]:
    """The names of all competitions' folders."""
    here = Path(__file__).parent
    return sorted(path.parent.name for path in here.glob("*/recipes.py"))


def load(name: str) -> Competition:
    """A folder name, Kaggle slug or page address to its `Competition`.

    Names may be in capitals and with dashes; an address names the slug alone.

    Raises:
        KitError: there is none, and the nearest is named; or the address is not a competition's.
    """
    known = names()
    if is_address(name):
        plain, slug = "", slug_in(name)
    else:
        plain, slug = name.replace("-", "_").lower(), name
    for folder in [plain] if plain in known else known:
        competition = importlib.import_module(f"competitions.{folder}").COMPETITION
        assert isinstance(competition, Competition)
        meant = competition.slug.lower() == slug.lower() and (plain or competition.on_kaggle)
        if folder == plain or meant:
            return competition
    name, plain = slug, slug.replace("-", "_").lower()
    close = difflib.get_close_matches(plain, known, n=1, cutoff=0.4)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise KitError(
        f"no competition {name!r}: {hint}There are {', '.join(known)}; `kit new {name}` begins one"
    )
