"""Training is a short list of phases, derived from the recipe; plain training is one."""

from dataclasses import dataclass

from common.fields import kind_of, numbers_of
from common.recipe import Recipe


@dataclass(frozen=True)
class Phase:
    """Consecutive epochs with one set of trainable stages, one image size and one peak rate.

    `frozen` counts the stages, from the input on, that stay as they are; all of them leave the head.
    """

    epochs: int
    frozen: int
    image_size: int
    lr: float


def phases_of(recipe: Recipe, stages: int) -> list[Phase]:
    """The phases of a recipe for a network of so many stages; their epochs add up to `epochs`.

    Raises:
        ValueError: more stages are to be frozen than there are.
    """

    def phase(epochs: int, frozen: int) -> Phase:
        return Phase(epochs, frozen, recipe.image_size, recipe.lr)

    number = int(sum(numbers_of(recipe.freeze)))
    later = recipe.epochs - number
    match kind_of(recipe.freeze):
        case "none":
            return [phase(recipe.epochs, 0)]
        case "backbone":
            return [phase(recipe.epochs, stages)] if recipe.epochs else []
        case "stages":
            if number > stages:
                raise ValueError(f"freeze={recipe.freeze}: {recipe.backbone} has {stages} stages")
            return [phase(recipe.epochs, number)]
        case "lp-ft":
            return [phase(number, stages), phase(later, 0)]
        case "gradual":  # Howard and Ruder, 2018; with few epochs several stages thaw at once
            steps = min(stages, later)
            thawed = [
                phase(
                    later * (n + 1) // steps - later * n // steps,
                    stages - stages * (n + 1) // steps,
                )
                for n in range(steps)
            ]
            return [phase(number, stages), *thawed]
    raise AssertionError(recipe.freeze)
