"""Training is a short list of phases, derived from the recipe; plain training is one."""

from dataclasses import dataclass

from common.models.freezing import Trainable
from common.recipe import Recipe


@dataclass(frozen=True)
class Phase:
    """Consecutive epochs with one set of trainable parameters, one image size and one peak rate."""

    epochs: int
    trainable: Trainable
    image_size: int
    lr: float


def phases_of(recipe: Recipe) -> list[Phase]:
    """The phases of a recipe, in order; their epochs add up to `recipe.epochs`."""
    size, lr = recipe.image_size, recipe.lr
    if recipe.freeze == "none":
        return [Phase(recipe.epochs, "all", size, lr)]
    if recipe.freeze == "backbone":
        return [Phase(recipe.epochs, "head", size, lr)]
    return [
        Phase(recipe.head_epochs, "head", size, lr),
        Phase(recipe.epochs - recipe.head_epochs, "all", size, lr),
    ]
