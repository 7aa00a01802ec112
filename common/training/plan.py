"""Training is a short list of phases, derived from the recipe; plain training is one."""

from dataclasses import dataclass, replace
from itertools import islice

from common.data.batches.small_images import SMALL
from common.errors import KitError
from common.recipe import Recipe
from common.training.sizes import head_epochs, sizes_of


@dataclass(frozen=True)
class Phase:
    """Consecutive epochs with one set of trainable stages, one schedule and one peak rate.

    `frozen` counts the stages, from the input on, that stay as they are; all of them leave the head.
    `sizes` are the sides of the network's input, one an epoch; 0: as the images are stored.
    """

    frozen: int
    sizes: tuple[int, ...]
    lr: float

    @property
    def epochs(self) -> int:
        """How many there are."""
        return len(self.sizes)


def phases_of(recipe: Recipe, stages: int, side: int) -> list[Phase]:
    """The phases of a recipe for a network of so many stages; their epochs add up to `epochs`.

    Args:
        side: of the network's input at full size, as for `sizes_of`.

    Raises:
        KitError: more stages are to be frozen than there are.
    """
    sizes = iter(sizes_of(recipe, side))

    def phase(epochs: int, frozen: int) -> Phase:
        return Phase(frozen, tuple(islice(sizes, epochs)), recipe.lr)

    number = recipe.freezing.number
    later = recipe.epochs - number
    match recipe.freezing.word:
        case "none":
            return [phase(recipe.epochs, 0)]
        case "backbone":
            return [phase(recipe.epochs, stages)] if recipe.epochs else []
        case "stages":
            if number > stages:
                raise KitError(f"freeze={recipe.freeze}: {recipe.backbone} has {stages} stages")
            return [phase(recipe.epochs, number)]
        case "lp-ft":
            return [phase(number, stages), phase(later, 0)]
        case "gradual":  # Howard and Ruder, 2018; with few epochs several stages thaw at once
            steps = min(stages, later)
            return [phase(number, stages)] + [
                phase(
                    later * (n + 1) // steps - later * n // steps,
                    stages - stages * (n + 1) // steps,
                )
                for n in range(steps)
            ]
    raise AssertionError(recipe.freeze)


def probe_of(recipe: Recipe) -> Recipe:
    """The epochs of the head alone that lp-ft and gradual begin with, as a recipe of their own.

    They are a linear probe on plain images at full size (LP-FT: Kumar et al., 2022), in which the
    backbone, and so all that it does at random, is at rest.
    """
    plain = "small-none" if recipe.augment in SMALL else "photo-none"
    return replace(
        recipe,
        freeze="backbone",
        epochs=head_epochs(recipe),
        augment=plain,
        initial_image_size=0,
        drop_rate=0.0,
        drop_path_rate=0.0,
    )
