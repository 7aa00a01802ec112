"""The machinery of typed fields: stage, meaning, range; text to values; what is wrong, in words."""

import difflib
import math
from collections.abc import Mapping
from dataclasses import Field, dataclass, field
from typing import Any

from common.errors import KitError

STAGES = ("split", "train", "predict", "runtime")
Forms = Mapping[str, tuple[float | None, ...]]


def described(
    default: Any,
    stage: str,
    meaning: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """A dataclass field with its stage, its meaning and what it may hold."""
    assert stage in STAGES
    facts = {"stage": stage, "meaning": meaning, "low": low, "high": high, "choices": choices}
    return field(default=default, metadata=facts)


def typed(each: Field[Any], text: str) -> Any:
    """The text as the field's type; True and False by several spellings."""
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


def check(each: Field[Any], value: Any) -> None:
    """Raise a KitError that says what the field may hold, when this value is none of it."""
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
    """What a field may hold, in words: 'a whole number from 1 to 100 (folds of …)'."""
    kind = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}[each.type]  # type: ignore[index]
    low, high = each.metadata["low"], each.metadata["high"]
    if low is not None:
        kind += f" from {low:g} to {high:g}" if high is not None else f" of at least {low:g}"
    return f"{kind} ({each.metadata['meaning']})"


@dataclass(frozen=True)
class Choice:
    """A word and the numbers behind it: `step:10:0.1` is `Choice("step", (10.0, 0.1))`."""

    word: str
    numbers: tuple[float, ...] = ()

    @property
    def number(self) -> int:
        """The whole number of a word that takes one; 0 behind a word that takes none."""
        return int(sum(self.numbers))

    def __str__(self) -> str:
        return ":".join([self.word, *(f"{n:g}" for n in self.numbers)])


def choice_of(name: str, text: str, forms: Forms) -> Choice:
    """A field's text as a choice; numbers left out get their usual values.

    Args:
        forms: every word, and the numbers that may follow it; None where one has to be said.

    Raises:
        KitError: none of these words, numbers too many or too few, or one that is not above zero.
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
    """'did you mean …?', or the list of what is known."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"{name!r} is none of {', '.join(known)}"
