"""Recipes for a folder of classes. Each note: command, score with its n, minutes, hardware."""

from common.recipe import Recipe

RECIPES = {
    # `kit folder run --data DIR`: not measured: needs a data set of your own and the weights' download.
    "quick": Recipe(
        backbone="mobilenetv2_100.ra_in1k",
        weights="pretrained",
        freeze="backbone",
        image_size=160,
        stored_side=184,
        augment="photo-none",
        folds=1,
        epochs=10,
        batch_size=16,
        optimizer="adamw",
        lr=3e-3,
        weight_decay=1e-4,
        views="mirror",
    ),
}
