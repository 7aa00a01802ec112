"""Recipes for dog-breed-identification. Each note: command, score with its n, minutes, hardware."""

from dataclasses import replace

from common.recipe import Recipe

# The 120 breeds are ImageNet's own: the old classifier's rows are where a head begins.
ROWS = Recipe(
    backbone="mobilenetv2_100.ra_in1k",
    weights="pretrained",
    head="rows",
    freeze="backbone",
    image_size=224,
    store_short_side=256,
    augment="photo-none",
    epochs=10,
    batch_size=64,
    lr=0.003,
    weight_decay=0.0,
    views="mirror",
    calibration="temperature",
)

RECIPES = {
    # `kit dog_breed run` with other weights of the same network (tf_in1k) on 300 labelled images of
    # 110 breeds (n = 300), five folds, two cores: log loss 0.302 with the mirrored view, 0.193
    # calibrated; 12 seconds, most of it one pass of features for each view. With whole images in
    # the store (store_short_side=0), 0.304 and 0.200.
    "quick": ROWS,
    # `kit dog_breed run --recipe zero`: a submission before any training. The same n = 300: plain
    # 0.319, mirrored 0.310, calibrated 0.205.
    "zero": replace(ROWS, epochs=0),
    # `kit dog_breed run --recipe frozen`: a head that begins afresh, same n = 300. With two or
    # three images a breed it has little to learn from: 2.11, and 2.16 calibrated.
    "frozen": replace(ROWS, head="linear", epochs=30, lr=0.1, weight_decay=1e-4, head_grid="small"),
    # `kit dog_breed run --recipe finetune`: not measured: needs more images than are at hand.
    "finetune": replace(
        ROWS, freeze="none", augment="photo-light", epochs=5, batch_size=32, lr=0.002
    ),
    # `kit dog_breed run --recipe course-dogs`. The course's: a frozen ResNet-34, 1000 -> 256 -> 120
    # on its logits, lr 1e-4 and decay 1e-4 of a loss summed over batches of 32. not measured: needs
    # ResNet-34's weights.
    "course-dogs": Recipe(
        backbone="resnet34.tv_in1k",
        weights="pretrained",
        head="logits-mlp:256",
        freeze="backbone",
        image_size=224,
        store_short_side=256,
        augment="photo",
        folds=1,
        holdout=0.1,
        final="refit",
        epochs=10,
        batch_size=32,
        lr=3.2e-3,
        weight_decay=3.1e-6,
        schedule="step:2:0.9",
    ),
    # `kit dog_breed run --recipe strong`: not measured: needs the weights and a GPU.
    "strong": replace(
        ROWS,
        backbone="convnext_base.fb_in22k_ft_in1k",
        image_size=288,
        store_short_side=320,
        freeze="lp-ft:1",
        augment="photo-light",
        epochs=4,
        batch_size=32,
        optimizer="adamw",
        lr=2e-5,
        head_lr_scale=5,
        layer_decay=0.75,
        weight_decay=0.05,
        warmup_ratio=0.1,
        ema_decay=0.995,
        views="mirror+five_crops",
    ),
}
