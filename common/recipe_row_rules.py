"""Which fields conflict with those that change the rows a fold trains on: `noise`, `pseudo`."""

from collections.abc import Sequence
from typing import Any

from common.errors import KitError


def check_noise(recipe: Any, solved: Sequence[str]) -> None:
    """Doubtful labels are found on pretrained features, and weighed in a plain cross-entropy.

    Args:
        recipe: a `Recipe`, its fields parsed.
        solved: the heads that are solved, not trained.

    Raises:
        KitError: a field rules that out.
    """
    given = f"noise={recipe.noise}"
    if recipe.noise == "none":
        return
    if recipe.weights == "scratch":
        raise KitError(
            f"{given} finds doubtful labels on a pretrained backbone's features, and weights=scratch has "
            "none: set weights=pretrained, or a file of weights"
        )
    if not recipe.epochs:
        raise KitError(
            f"{given} is about training, and epochs=0 has none: set epochs=1, or noise=none"
        )
    other = recipe.head in solved and recipe.head != "logistic"
    if recipe.noise == "weight" and (other or recipe.label_smoothing):
        name = "head" if other else "label_smoothing"
        raise KitError(
            f"{given} weighs rows in a plain cross-entropy, which {name}={getattr(recipe, name)} is not: "
            "set noise=drop" + (", or head=logistic" if other else "")
        )


def check_pseudo(recipe: Any) -> None:
    """Pseudo-labels are a fold's own, and of rows without true labels; `recipe` as above.

    Raises:
        KitError: a field rules that out.
    """
    given = f"pseudo={recipe.pseudo}"
    if recipe.pseudo == "none":
        given = f"pseudo_threshold={recipe.pseudo_threshold:g}" if recipe.pseudo_threshold else ""
        if recipe.pseudo_images != "none":
            given = f"pseudo_images={recipe.pseudo_images}"
        if given:
            raise KitError(
                f"{given} is of pseudo-labels, and pseudo=none has none: name the run that labels the "
                "rows (pseudo=runs/…)"
            )
        return
    if recipe.class_balance != "none":
        raise KitError(
            f"class_balance={recipe.class_balance} counts true labels, and {given} trains on rows without: "
            "set class_balance=none"
        )
    if not (recipe.folds and recipe.epochs):
        name = "epochs" if recipe.folds else "folds"
        raise KitError(
            f"{given} adds rows to each fold's training, and {name}=0 has none: set {name}=5"
        )
