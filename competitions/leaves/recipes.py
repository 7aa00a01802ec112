"""Recipes for classify-leaves, and their lab notes (`NOTES`): what each scored, or what it needs."""

from dataclasses import replace

from common.recipe import Recipe
from common.recipe_note import Note

QUICK = Recipe(
    backbone="mobilenetv2_100.ra_in1k",
    weights="pretrained",
    image_size=128,
    augment="photo-light",
    epochs=12,
    batch_size=32,
    lr=0.005,
    head_lr_scale=10,
    warmup_ratio=0.1,
    weight_decay=1e-4,
    label_smoothing=0.1,
    views="mirror",
)

RECIPES = {
    "quick": QUICK,
    "frozen": replace(QUICK, freeze="backbone", augment="photo-none", epochs=60, head_grid="small"),
    "strong": replace(
        QUICK,
        backbone="convnext_tiny.fb_in22k",
        image_size=224,
        augment="photo",
        freeze="lp-ft:2",
        epochs=30,
        optimizer="adamw",
        lr=3e-4,
        layer_decay=0.8,
        weight_decay=0.05,
        cutmix=1.0,
        ema_decay=0.998,
        drop_path_rate=0.1,
        views="mirror+five_crops",
    ),
}

NOTES = {
    "quick": Note(
        command="kit leaves run",
        needs="the competition's images and MobileNetV2's weights",
    ),
    "frozen": Note(
        command="kit leaves run --recipe frozen",
        needs="the competition's images and MobileNetV2's weights",
        remark="Only the head is trained, on features that are computed once. Leaves are far from "
        "ImageNet, so expect less than of quick.",
    ),
    "strong": Note(
        command="kit leaves run --recipe strong",
        needs="the competition's images, ConvNeXt's weights and a GPU",
        remark="What separated the best teams: augmentation, views, folds, a cosine schedule.",
    ),
}
