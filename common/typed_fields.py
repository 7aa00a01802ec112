"""Parsing and range checks of dataclass fields: `param` declares one, `parse_value` reads its text.

The fields of recipes themselves are in `common/recipe.py`.
"""

import difflib
import math
from collections.abc import Mapping
from dataclasses import Field, dataclass, field
from typing import Any

from common.errors import KitError

STAGES = ("split", "train", "predict", "runtime")
Forms = Mapping[str, tuple[float | None, ...]]


def param(
    default: Any,
    stage: str,
    meaning: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """A dataclass field with its default, stage, meaning and allowed values."""
    assert stage in STAGES
    facts = {"stage": stage, "meaning": meaning, "low": low, "high": high, "choices": choices}
    return field(default=default, metadata=facts)


def parse_value(each: Field[Any], text: str) -> Any:
    """A field and its text to a value of the field's type; booleans in several spellings."""
    try:
        if each.type is bool:
            return {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}[
                text.lower()
            ]
        if each.type is int:
            return int(text)
        if each.type is float:
            return float(text)
    except (ValueError, KeyError):
        raise KitError(f"{each.name}={text}: {each.name} is {allowed(each)}") from None
    return text


def check_value(each: Field[Any], value: Any) -> None:
    """Raise a KitError that names the allowed values, if this value is not one of them."""
    low, high, choices = (each.metadata[key] for key in ("low", "high", "choices"))
    kinds = (int, float) if each.type is float else each.type
    fits = isinstance(value, kinds) and (each.type is bool or not isinstance(value, bool))  # type: ignore[arg-type]
    if fits and choices and value not in choices:
        raise KitError(f"{each.name}={value}: {nearest(value, choices)}")
    if fits and each.type in (int, float):
        fits = (
            math.isfinite(value)
            and (low is None or value >= low)
            and (high is None or value <= high)
        )
    if not fits or value == "":
        raise KitError(f"{each.name}={value}: {each.name} is {allowed(each)}")


def allowed(each: Field[Any]) -> str:
    """A field's allowed values in words: 'a whole number from 1 to 100 (folds of …)'."""
    kind = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}[each.type]  # type: ignore[index]
    low, high = each.metadata["low"], each.metadata["high"]
    if low is not None:
        kind += f" from {low:g} to {high:g}" if high is not None else f" of at least {low:g}"
    return f"{kind} ({each.metadata['meaning']})"


@dataclass(frozen=True)
class Choice:
    """A parsed `word:number:…` value: `step:10:0.1` is `Choice("step", (10.0, 0.1))`."""

    word: str
    numbers: tuple[float, ...] = ()

    @property
    def number(self) -> int:
        """The one whole number of a word that takes one; 0 for a word that takes none."""
        return int(sum(self.numbers))

    def __str__(self) -> str:
        return ":".join([self.word, *(f"{n:g}" for n in self.numbers)])


def parse_choice(name: str, text: str, forms: Forms) -> Choice:
    """A field's text to a `Choice`; omitted numbers get their defaults.

    Args:
        forms: every word with the defaults of its numbers; None where a number is required.

    Raises:
        KitError: an unknown word, too many or too few numbers, or one that is not positive.
    """
    word, *said = text.split(":")
    if word not in forms:
        raise KitError(f"{name}={text}: {nearest(word, tuple(forms))}")
    usual = forms[word]
    example = ":".join([word, *(f"{2 if n is None else n:g}" for n in usual)])
    try:
        numbers = [float(n) for n in said] + [float(n) for n in usual[len(said) :] if n is not None]
    except ValueError:
        numbers = []
    whole = all(
        n == int(n) for n, u in zip(numbers, usual, strict=False) if not isinstance(u, float)
    )
    if len(numbers) != len(usual) or not whole or not all(0 < n < math.inf for n in numbers):
        raise KitError(f"{name}={text}: say it as in {name}={example}")
    return Choice(word, tuple(numbers))


def nearest(name: str, known: tuple[str, ...]) -> str:
    """A name and the known names to 'did you mean …?', or to the list of the known ones."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"{name!r} is none of {', '.join(known)}"
