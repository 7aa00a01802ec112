"""A recipe's training phases: which stages are frozen, for how many epochs, at which sizes."""

from dataclasses import dataclass, replace
from itertools import islice

from common.data.batches.small_images import SMALL
from common.errors import KitError
from common.recipe import Recipe
from common.training.progressive_resizing import head_epochs, sizes_per_epoch


@dataclass(frozen=True)
class Phase:
    """Consecutive epochs with one set of trainable stages, one schedule and one peak rate.

    `frozen` counts the frozen stages, from the input on; with all of them only the head trains.
    `sizes` are the sides of the network's input, one per epoch; 0: as the images are stored.
    """

    frozen: int
    sizes: tuple[int, ...]
    lr: float

    @property
    def epochs(self) -> int:
        """The number of epochs."""
        return len(self.sizes)


def phases_of(recipe: Recipe, stages: int, side: int) -> list[Phase]:
    """The phases of a recipe for a network with `stages` stages; their epochs add up to `epochs`.

    Args:
        side: of the network's input at full size, as for `sizes_per_epoch`.

    Raises:
        KitError: more stages are to be frozen than there are.
    """
    sizes = iter(sizes_per_epoch(recipe, side))

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
        case "gradual":  # Howard and Ruder, 2018; with few epochs several stages unfreeze at once
            steps = min(stages, later)
            return [phase(number, stages)] + [
                phase(
                    later * (n + 1) // steps - later * n // steps,
                    stages - stages * (n + 1) // steps,
                )
                for n in range(steps)
            ]
    raise AssertionError(recipe.freeze)


def linear_probe_recipe(recipe: Recipe) -> Recipe:
    """The head-only epochs of lp-ft and gradual as a recipe with a frozen backbone.

    A linear probe on unaugmented images at full size (LP-FT: Kumar et al., 2022); the backbone runs in
    eval mode, so its dropout and stochastic depth are off.
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
