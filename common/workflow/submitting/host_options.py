"""The options of `kit host`, parsed: competitions, faults to inject, competition terms."""

import os
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

from common.competition import Competition
from common.errors import KitError
from common.kaggle.server.host import METHODS, Fault
from common.kaggle.server.hosted import Hosted
from common.typed_fields import nearest
from common.workflow.request import Catalogue, path_words
from common.workflow.submitting.hidden_set import VISIBLE, as_code_competition
from common.workflow.submitting.local_kaggle import of_embedded, of_rehearsal
from common.workflow.submitting.rehearsal_site import SERVED, facts_of, is_rehearsal, rehearsals

READ: Mapping[str, Callable[[str], Any]] = {
    "bool": {"true": True, "false": False}.__getitem__,
    "int": int,
    "float": float,
    "str": str,
}
FIXED = ("method", "slug", "title", "metric")  # what the method or the competition is


def hosted_by(
    named: Sequence[str], catalogue: Catalogue, runs: Path, *, code: bool = False
) -> list[Hosted]:
    """Names to the competitions to serve: by name, by rehearsal folder, or all available.

    Args:
        code: as code competitions, with hidden test sets.

    Raises:
        KitError: no data, a folder that is not a rehearsal, or a slug twice.
    """
    known = {competition.name: competition for competition in catalogue.competitions}
    words = [word if _is_folder(word) else catalogue.load(word).name for word in named]
    words = words or [n for n, each in known.items() if each.embedded or rehearsals(runs, n)]
    hosted = [_hosted(word, known, runs, code=code) for word in words]
    slugs = [each.slug for each in hosted]
    if len(set(slugs)) < len(slugs):
        raise KitError(f"one host serves a competition once: {', '.join(slugs)}")
    if not hosted:
        raise KitError("nothing is at hand to serve: `kit <competition> rehearse` makes something")
    return hosted


def _is_folder(word: str) -> bool:
    """Does the word name a folder, and no competition?"""
    return is_rehearsal(Path(word)) or (os.sep in word and Path(word).is_dir())


def _hosted(word: str, known: Mapping[str, Competition], runs: Path, *, code: bool) -> Hosted:
    if word not in known:
        competition, folder = known[facts_of(Path(word))["competition"]], Path(word)
    else:
        competition, made = known[word], rehearsals(runs, word)
        if competition.embedded:
            place = runs / "host" / "embedded" / competition.slug
            hosted = of_embedded(competition, place)
            visible = runs / "host" / VISIBLE / competition.slug
            return as_code_competition(hosted, competition, visible) if code else hosted
        if not made:
            raise KitError(
                f"the labels of {word}'s test set are not known here: "
                f"`{shlex.join(['kit', word, 'rehearse', *path_words(None, runs)])}` hides some "
                "of the training set's instead, and `kit host` serves that"
            )
        folder = made[0]
    hosted = of_rehearsal(competition, folder)
    visible = folder / SERVED.with_name(VISIBLE)
    return as_code_competition(hosted, competition, visible) if code else hosted


def exports(environment: Mapping[str, str]) -> list[str]:
    """Environment variables to shell lines; an empty value unsets one."""
    return [
        f"export {name}={shlex.quote(value)}" if value else f"unset {name}"
        for name, value in environment.items()
    ]


def parse_fault(text: str) -> Fault:
    """--fault's text to a `Fault`: 'DownloadDataFiles status=503 times=2', 'Score message="no such column"'.

    Raises:
        KitError: no such method of the host, no such field, or not a value for it.
    """
    method, *words = shlex.split(text) or [""]
    if method not in METHODS:
        raise KitError(f"--fault {text!r} begins with no method: {nearest(method, METHODS)}")
    return Fault(method=method, **values_of(Fault, words))


def values_of(kind: type, words: Iterable[str]) -> dict[str, Any]:
    """`name=value` words to typed values of a dataclass's fields.

    Raises:
        KitError: no such field, or not a value for it.
    """
    types = types_of(kind)
    found: dict[str, Any] = {}
    for word in words:
        name, _, text = word.partition("=")
        if name not in types:
            raise KitError(f"{word!r} is not name=value: {nearest(name, tuple(types))}")
        try:
            found[name] = READ[types[name]](text)
        except (KeyError, ValueError):
            raise KitError(f"{word}: {name} is of type {types[name]}") from None
    return found


def types_of(kind: type) -> dict[str, str]:
    """A dataclass to its fields that words can set, with their type's name."""
    first = {each.name: (get_args(each.type) or (each.type,))[0] for each in fields(kind)}
    named = {name: getattr(each, "__name__", "") for name, each in first.items()}
    return {name: each for name, each in named.items() if each in READ and name not in FIXED}
