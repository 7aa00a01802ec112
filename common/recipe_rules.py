"""What the words of a recipe may be, and which fields contradict each other, each in a sentence."""

from typing import Any

from common.errors import KitError
from common.recipe_fields import Forms, nearest

# Words that numbers may follow, as in step:10:0.1; None: a number that has to be said.
FORMS: dict[str, Forms] = {
    "head": {"linear": (), "rows": (), "mlp": (256,), "logits-mlp": (256,)},
    "freeze": {"none": (), "backbone": (), "stages": (None,), "lp-ft": (1,), "gradual": (1,)},
    "schedule": {"cosine": (), "constant": (), "one-cycle": (), "step": (10.0, 0.1)},
}
VIEWS = ("identity", "mirror", "shifts", "diagonal", "five_crops", "square", "scales")


def views_in_order(text: str) -> str:
    """The one spelling of groups of views: the plain one first, each once, in the order of `VIEWS`.

    Raises:
        KitError: there is none of a name.
    """
    names = text.split("+")
    for name in names:
        if name not in VIEWS:
            raise KitError(f"views={text}: {nearest(name, VIEWS)}; join them with +")
    return "+".join(name for name in VIEWS if name == "identity" or name in names)


def check_agreement(recipe: Any) -> None:
    """Raise a KitError where two fields, each possible alone, cannot go together.

    Args:
        recipe: a `Recipe`, its fields typed and spelled in the one way.
    """
    kind = recipe.freezing.word
    if kind in ("lp-ft", "gradual") and recipe.freezing.number >= recipe.epochs:
        raise KitError(
            f"freeze={recipe.freeze} leaves no epoch for the backbone of epochs={recipe.epochs}: lower "
            f"the head's, as in freeze={kind}:1, or say freeze=backbone"
        )
    if recipe.epochs == 0 and (recipe.head != "rows" or recipe.freeze != "backbone"):
        raise KitError(
            "epochs=0 predicts with the old classifier's own rows: say head=rows freeze=backbone, or "
            "train for an epoch"
        )
    if recipe.head_grid != "none" and (recipe.freeze != "backbone" or not recipe.epochs):
        raise KitError(
            f"head_grid={recipe.head_grid} tries rates for heads on frozen features: say freeze=backbone"
        )
    if recipe.freeze == "backbone" and recipe.drop_rate:
        raise KitError(
            f"drop_rate={recipe.drop_rate:g} acts before the head, in the part that freeze=backbone "
            "keeps in evaluation mode: say drop_rate=0"
        )
    if (recipe.mixup or recipe.cutmix) and recipe.batch_size % 2:
        raise KitError(
            f"batch_size={recipe.batch_size}: mixup and cutmix mix in pairs; make it even"
        )
    if not recipe.folds and (recipe.final != "refit" or recipe.calibration != "none"):
        raise KitError(
            "folds=0 holds nothing out and trains on all rows: say final=refit calibration=none with it"
        )
    if recipe.final == "refit" and recipe.early_stop:
        raise KitError(
            "final=refit trains on all rows and has none left to stop by: "
            "say early_stop=0 or final=folds"
        )
    if 0 < recipe.bit_depth < 8:
        raise KitError(
            f"bit_depth={recipe.bit_depth}: 16-bit images hold values of 8 to 16 bits (0: found)"
        )
    if 0 < recipe.store_short_side < recipe.image_size:
        raise KitError(
            f"store_short_side={recipe.store_short_side} keeps less of each image than "
            f"image_size={recipe.image_size} shows, and would have it enlarged again: say "
            f"store_short_side={recipe.image_size * 8 // 7} or more, or 0 to keep images as they are"
        )
