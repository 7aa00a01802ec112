"""Recipes for classify-leaves. Each note: command, score with its n, minutes, hardware."""

from dataclasses import replace

from common.recipe import Recipe

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
    # `kit leaves run`: not measured: needs the competition's images and the weights.
    "quick": QUICK,
    # `kit leaves run --recipe frozen`: the head alone, on features that are computed once. Leaves
    # are far from ImageNet: it is weak. not measured: needs the competition's images and the
    # weights.
    "frozen": replace(QUICK, freeze="backbone", augment="photo-none", epochs=60, head_grid="small"),
    # `kit leaves run --recipe strong`: what separated the best teams: augmentation, views, folds,
    # cosine. not measured: needs the competition's images, the weights and a GPU.
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
