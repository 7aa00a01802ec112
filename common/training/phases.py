"""Training is a short list of phases, derived from the recipe; plain training is one."""

from dataclasses import dataclass

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

    later = recipe.epochs - recipe.head_epochs
    kind, _, count = recipe.freeze.partition(":")
    match kind:
        case "none":
            return [phase(recipe.epochs, 0)]
        case "backbone":
            return [phase(recipe.epochs, stages)] if recipe.epochs else []
        case "stages":
            if int(count) > stages:
                raise ValueError(f"freeze={recipe.freeze}: {recipe.backbone} has {stages} stages")
            return [phase(recipe.epochs, int(count))]
        case "lp-ft":
            return [phase(recipe.head_epochs, stages), phase(later, 0)]
        case "gradual":  # Howard and Ruder, 2018; with few epochs several stages thaw at once
            steps = min(stages, later)
            thawed = [
                phase(
                    later * (n + 1) // steps - later * n // steps,
                    stages - stages * (n + 1) // steps,
                )
                for n in range(steps)
            ]
            return [phase(recipe.head_epochs, stages), *thawed]
    raise AssertionError(recipe.freeze)
