"""Progressive size: small images first, the full size well before the end.

Early epochs settle what is coarse, and cost the square of their side (fastai's DAWNBench entry, 2018;
"EfficientNetV2", 2021).
"""

import math

from common.errors import KitError
from common.recipe import Recipe

FULL = 3  # at least one epoch in so many is at full size, the last ones
FROM, STEP, FINE = 64, 32, 4  # sides from 64 on are multiples of 32, smaller ones of 4


def head_epochs(recipe: Recipe) -> int:
    """How many epochs lp-ft and gradual begin with in which the head alone trains; else 0."""
    return recipe.freezing.number if recipe.freezing.word in ("lp-ft", "gradual") else 0


def sizes_of(recipe: Recipe, side: int) -> list[int]:
    """The side of the network's input in each epoch; 0: as the images are stored.

    It grows linearly from `initial_image_size`, rounded down to a multiple of 32 (of 4 below 64), and is
    full in the last third of the epochs. Epochs of the head alone stand before, at full size.

    Args:
        side: the full size: `image_size`, or with 0 the stored images' own; 0 if they are not square.
    """
    own = head_epochs(recipe)
    growing = recipe.epochs - own - math.ceil((recipe.epochs - own) / FULL)
    if not recipe.initial_image_size:
        growing = 0
    reach = side - recipe.initial_image_size
    grown = [
        max(
            recipe.initial_image_size, _rounded(recipe.initial_image_size + reach * epoch / growing)
        )
        for epoch in range(growing)
    ]
    before, after = own, recipe.epochs - own - growing
    return [recipe.image_size] * before + grown + [recipe.image_size] * after


def check_growth(recipe: Recipe, height: int, width: int) -> None:
    """Refuse a `initial_image_size` that cannot grow to images of this size.

    Raises:
        KitError: it is too large, there is no square to grow to, or no epoch to grow in.
    """
    first = recipe.initial_image_size
    if not first:
        return
    if height != width:
        raise KitError(
            f"initial_image_size={first} makes images square, and these are {width}x{height}: say image_size="
        )
    if first >= height:
        raise KitError(
            f"initial_image_size={first} is to grow to {height} pixels: name a smaller one, or 0 for no growth"
        )
    if recipe.freeze == "backbone":
        raise KitError(
            f"initial_image_size={first} is for a backbone that trains: say initial_image_size=0 with freeze=backbone"
        )
    if first not in sizes_of(recipe, height):
        raise KitError(
            f"initial_image_size={first} needs two epochs of the backbone or more, the last at full size: "
            "raise epochs=, or say initial_image_size=0"
        )


def _rounded(side: float) -> int:
    step = STEP if side >= FROM else FINE
    return int(side // step) * step
