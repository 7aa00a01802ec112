"""Recipes for plant-pathology-2020-fgvc7, and under `NOTES` what each was measured to do."""

from common.recipe import Recipe
from common.recipe_note import Note

RECIPES = {
    # A head on the features of a frozen network: minutes on two cores, most of them decoding.
    "quick": Recipe(
        backbone="mobilenetv2_100.ra_in1k",
        weights="pretrained",
        freeze="backbone",
        image_size=224,
        store_short_side=256,
        augment="photo-none",
        epochs=30,
        batch_size=64,
        optimizer="adamw",
        lr=3e-3,
        weight_decay=0.01,
        warmup_ratio=0.1,
        views="mirror",
    ),
    "strong": Recipe(
        backbone="convnext_tiny.fb_in22k_ft_in1k_384",
        weights="pretrained",
        image_size=384,
        store_short_side=440,
        augment="photo",
        freeze="lp-ft:1",
        epochs=10,
        batch_size=32,
        optimizer="adamw",
        lr=2e-4,
        head_lr_scale=5,
        layer_decay=0.8,
        weight_decay=0.05,
        warmup_ratio=0.1,
        ema_decay=0.998,
        drop_path_rate=0.1,
        views="mirror",
    ),
}

NOTES = {
    "quick": Note(
        command="kit plant_pathology_2020 run",
        needs="the competition's files and MobileNetV2's weights",
    ),
    "strong": Note(
        command="kit plant_pathology_2020 run --recipe strong",
        needs="the competition's files, ConvNeXt's weights and a GPU",
    ),
}
