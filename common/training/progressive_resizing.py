"""Progressive resizing: the input size of every epoch, from `initial_image_size` to full size.

Early epochs on small images learn coarse structure at a cost quadratic in the side (fastai's DAWNBench
entry, 2018; "EfficientNetV2", 2021).
"""

import math

from common.errors import KitError
from common.recipe import Recipe

FULL = 3  # 1/FULL of the epochs, the last ones, are at full size
FROM, STEP, FINE = 64, 32, 4  # sides from 64 on are multiples of 32, smaller ones of 4


def head_epochs(recipe: Recipe) -> int:
    """The number of leading epochs in which only the head trains (freeze=lp-ft, gradual); else 0."""
    return recipe.freezing.number if recipe.freezing.word in ("lp-ft", "gradual") else 0


def sizes_per_epoch(recipe: Recipe, side: int) -> list[int]:
    """The side of the network's input in pixels, one per epoch; 0: as the images are stored.

    It grows linearly from `initial_image_size`, rounded down to a multiple of 32 (of 4 below 64), and is
    full in the last third of the epochs. Epochs that train only the head come first, at full size.

    Args:
        side: the full size: `image_size`, or with 0 the stored images' own; 0 if they are not square.
    """
    own = head_epochs(recipe)
    resized = recipe.epochs - own - math.ceil((recipe.epochs - own) / FULL)
    if not recipe.initial_image_size:
        resized = 0
    reach = side - recipe.initial_image_size
    grown = [
        max(
            recipe.initial_image_size, _rounded(recipe.initial_image_size + reach * epoch / resized)
        )
        for epoch in range(resized)
    ]
    before, after = own, recipe.epochs - own - resized
    return [recipe.image_size] * before + grown + [recipe.image_size] * after


def check_growth(recipe: Recipe, height: int, width: int) -> None:
    """Refuse an `initial_image_size` that cannot grow to images of this height and width.

    Raises:
        KitError: it is too large, the images are not square, or too few epochs train the backbone.
    """
    first = recipe.initial_image_size
    if not first:
        return
    if height != width:
        raise KitError(
            f"initial_image_size={first} needs square images, and these are {width}x{height}: set image_size="
        )
    if first >= height:
        raise KitError(
            f"initial_image_size={first} has to be below the full size of {height} pixels: "
            "choose a smaller one, or 0 to turn it off"
        )
    if recipe.freeze == "backbone":
        raise KitError(
            f"initial_image_size={first} needs a backbone that trains: set initial_image_size=0 with freeze=backbone"
        )
    if first not in sizes_per_epoch(recipe, height):
        raise KitError(
            f"initial_image_size={first} needs two or more epochs that train the backbone: "
            "raise epochs=, or set initial_image_size=0"
        )


def _rounded(side: float) -> int:
    step = STEP if side >= FROM else FINE
    return int(side // step) * step
