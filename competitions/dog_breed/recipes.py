"""Recipes for dog-breed-identification. Each note: command, score with its n, minutes, hardware."""

from common.recipe import Recipe

RECIPES = {
    # `kit dog_breed run`: not measured: needs the competition's images and the weights' download.
    "quick": Recipe(
        backbone="mobilenetv2_100.ra_in1k",
        weights="pretrained",
        freeze="backbone",
        image_size=160,
        stored_side=184,
        augment="photo-none",
        folds=1,
        epochs=4,
        batch_size=32,
        optimizer="adamw",
        lr=3e-3,
        weight_decay=1e-4,
        views="mirror",
    ),
}
