"""A recipe's values by field name: parsed from `field=value`, compared with the defaults, by stage."""

from collections.abc import Iterable
from dataclasses import Field, fields, replace
from pathlib import Path
from typing import Any

from common.errors import KitError
from common.recipe import Recipe
from common.recipe_rules import LOCAL
from common.typed_fields import nearest, parse_value

# The stages whose fields enter the hash in a run's name: its folds and weights depend on them.
NAMING_STAGES = ("split", "train")


def stage_of(name: str) -> str:
    """A field's stage, by the field's name."""
    return str(_fields()[name].metadata["stage"])


def with_values(recipe: Recipe, words: Iterable[str]) -> Recipe:
    """A recipe and `field=value` words to the recipe with these values, each parsed by its type.

    Raises:
        KitError: an unknown field (the nearest is named), an impossible value, a field given twice.
    """
    changes: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise KitError(f"{word!r} is not field=value, such as epochs=2 or lr=3e-4")
        if name not in _fields():
            raise KitError(f"a recipe has no field {name!r}: {nearest(name, tuple(_fields()))}")
        if name in changes:
            raise KitError(f"{name} is given twice: {name}={changes[name]} and {word}")
        changes[name] = parse_value(_fields()[name], text)
    return replace(recipe, **changes)


def alone(recipe: Recipe) -> list[Recipe]:
    """The recipe of each of its backbones by itself."""
    if len(recipe.backbones) == 1:
        return [recipe]
    return [replace(recipe, backbone=name, feature_choice="all") for name in recipe.backbones]


def model_folders(recipe: Recipe) -> list[Path]:
    """The folders of timm models (local-dir:) among a recipe's backbones, in order."""
    names = (name for name in recipe.backbones if name.startswith(LOCAL))
    return [Path(name.removeprefix(LOCAL)) for name in names]


def with_model_folders(recipe: Recipe, places: Iterable[Path | str]) -> Recipe:
    """The recipe with its `model_folders` at other places."""
    found = iter(places)
    names = (f"{LOCAL}{next(found)}" if n.startswith(LOCAL) else n for n in recipe.backbones)
    return replace(recipe, backbone="+".join(names))


def differences(recipe: Recipe, stages: Iterable[str]) -> dict[str, Any]:
    """The fields of these stages that are not at their default, by name.

    Only these enter a run's name, so that a new field renames no existing run.
    """
    wanted = set(stages)
    return {
        each.name: getattr(recipe, each.name)
        for each in sorted(fields(recipe), key=lambda each: each.name)
        if each.metadata["stage"] in wanted and getattr(recipe, each.name) != each.default
    }


def _fields() -> dict[str, Field[Any]]:
    return {each.name: each for each in fields(Recipe)}
