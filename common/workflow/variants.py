"""`compare`'s words to variants: requests on equal folds, seeds and epochs."""

from collections.abc import Sequence
from dataclasses import fields, replace

from common.errors import KitError
from common.progress import say
from common.recipe import Recipe
from common.recipe_values import stage_of
from common.workflow.request import Request

Named = tuple[str, list[Request]]


def variants(
    request: Request, words: Sequence[str], *, seeds: int | None, own_budget: bool
) -> list[Named]:
    """`compare`'s words to its variants: each word with a request for every seed.

    A `field=value` word without a comma holds for all; all train for the first variant's epochs,
    unless their own word sets epochs=, or `own_budget`.

    Raises:
        KitError: fewer than two variants, one named twice, or different folds or seeds.
    """
    shared = tuple(word for word in words if "=" in word and "," not in word)
    names = [word for word in words if word not in shared]
    if len(names) < 2:
        raise KitError(
            "name two variants or more, such as: compare quick quick,lr=0.1 (a recipe, its fields)"
        )
    if len(set(names)) < len(names):
        raise KitError(f"a variant is named twice in {' '.join(names)}: name each once")
    if seeds is not None and seeds < 1:
        raise KitError(f"--seeds {seeds}: each variant has one run at least")
    found = [(name, _variant(request, name, shared)) for name in names]
    if not own_budget:
        trained = [each.recipe.epochs for _, each in found if each.recipe.epochs]
        found = [(name, _at_budget(name, each, trained)) for name, each in found]
    _check_alike(found)
    if seeds is None:
        return [(name, [each]) for name, each in found]
    return [(name, [_with(each, f"seed={seed}") for seed in range(seeds)]) for name, each in found]


def _variant(request: Request, name: str, shared: tuple[str, ...]) -> Request:
    first, *rest = name.split(",")
    recipe, own = (request.recipe_name, [first, *rest]) if "=" in first else (first, rest)
    found = replace(request, recipe_name=recipe, named_recipe=True, words=(*shared, *own))
    assert found.recipe  # a typo is told before anything starts
    return found


def _at_budget(name: str, request: Request, trained: Sequence[int]) -> Request:
    """The variant with the epochs `trained[0]`, unless its own word sets epochs=.

    epochs=0 is kept.
    """
    own = request.recipe.epochs
    wanted = trained[0] if own else 0
    if own == wanted:
        return request
    if any(word.startswith("epochs=") for word in request.words):
        say(f"{name} trains for {own} epochs, as its word says, and the first for {wanted}")
        return request
    say(f"{name} trains for {wanted} epochs, as the first does, and not for {own} (--own-budget)")
    return _with(request, f"epochs={wanted}")


def _check_alike(found: Sequence[tuple[str, Request]]) -> None:
    """Raise a KitError if two variants differ in a split field or in the seed."""
    alike = [each.name for each in fields(Recipe) if stage_of(each.name) == "split"] + ["seed"]
    first_name, first = found[0]
    for name, request in found[1:]:
        for field in alike:
            wanted, own = (getattr(each.recipe, field) for each in (first, request))
            if own != wanted:
                raise KitError(
                    f"{first_name} has {field}={wanted} and {name} {field}={own}: a comparison is "
                    f"on the same folds in the same order; give {field}= alone, for all"
                )


def _with(request: Request, word: str) -> Request:
    return replace(request, words=(*request.words, word))
