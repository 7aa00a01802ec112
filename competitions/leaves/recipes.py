"""Recipes for classify-leaves, and their lab notes (`NOTES`): what each scored, or what it needs."""

from dataclasses import replace

from common.photo_recipes import FEATURES
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
    "features": FEATURES,
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
    "features": Note(
        command="kit leaves run --recipe features head=ridge feature_pools=mean "
        "feature_choice=all backbone=local-dir:mobilenetv2_100.tf_in1k",
        metric="accuracy",
        score=0.9558,
        spread="± 0.0236 (sd over folds)",
        scored_on="5 folds of 792 other leaves",
        n=792,
        minutes=4.4,
        hardware="two busy CPU cores",
        date="2026-11-27",
        remark="Not this competition's images: 99 species of 8 leaves each (2016's shapes), and 792 more to "
        "predict in the same time, 224 s of CPU time. frozen on them: 0.8965, 2.9 minutes, 99 s.",
    ),
    "strong": Note(
        command="kit leaves run --recipe strong",
        needs="the competition's images, ConvNeXt's weights and a GPU",
        remark="What separated the best teams: augmentation, views, folds, a cosine schedule.",
    ),
}
