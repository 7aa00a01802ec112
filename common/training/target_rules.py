"""Which fields of a recipe mean nothing for what a row's answer is."""

from common.errors import KitError
from common.recipe import Recipe
from common.recipe_rules import SOLVED
from common.targets import Target
from common.training.solved.candidates import heads_of
from common.training.updates.loss import loss_name

OF_HARD_LABELS = ("lda", "boosting")  # solved heads that do not take an answer in shares


def check_fields(recipe: Recipe, target: Target) -> None:
    """Refuse fields that mean nothing for the target.

    Raises:
        KitError: the first of them, and what to set.
    """
    loss_name(recipe, target)
    defaults = Recipe()
    for name, reason in target.refusals.items():
        field, _, value = name.partition("=")
        given = getattr(recipe, field)
        if given == value if value else given != getattr(defaults, field):
            other = "ridge" if given in SOLVED else getattr(defaults, field)
            remedy = "" if f"{field}=" in reason else f"; set {field}={other}"
            raise KitError(
                f"{field}={given} has no meaning for a target of kind {target.kind}: {reason}{remedy}"
            )
    if recipe.pseudo != "none" and not recipe.pseudo_threshold:
        _check_shares(recipe, target)


def _check_shares(recipe: Recipe, target: Target) -> None:
    """Refuse a head that takes hard labels where pseudo-labels are shares."""
    hard = [head for head in heads_of(recipe, target) if head in OF_HARD_LABELS]
    if not hard or target.scaling[1]:  # numbers are no shares
        return
    other = "head=ridge"
    if "pseudo_threshold" not in target.refusals:
        other = f"pseudo_threshold=0.5 or so, or {other}"
    of = "" if hard == [recipe.head] else f" ({hard[0]})"
    raise KitError(
        f"pseudo={recipe.pseudo} labels rows in shares, and head={recipe.head}{of} takes hard labels: set "
        f"{other}"
    )
