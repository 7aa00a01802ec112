"""Recipes for the digits. Each note: command, score with its n, minutes, hardware."""

from common.recipe import Recipe

RECIPES = {
    # `kit digits run`
    "quick": Recipe(
        augment="small-shift",
        epochs=30,
        batch_size=64,
        lr=0.1,
        warmup=0.1,
        label_smoothing=0.1,
        views="shifts",
    ),
}
