"""Recipes for cifar-10. Each note: command, score with its n, minutes, hardware."""

from dataclasses import replace

from common.recipe import Recipe

# The fast network and what makes it learn in few epochs, after K. Jordan (2024).
SPEED = Recipe(
    folds=1,
    holdout=0.1,
    backbone="kit_fastnet_64",
    epochs=12,
    batch_size=512,
    optimizer="nmuon",
    lr=0.16,
    momentum=0.6,
    weight_decay=0.12,
    head_rate=0.075,
    bias_rate=0.15,
    schedule="one-cycle",
    warmup=0.02,
    label_smoothing=0.2,
    augment="small-alternate",
    first_size=24,
    views="mirror+diagonal",
    doubtful=0.25,
)

RECIPES = {
    # `kit cifar10 run`: 0.8929 on a held-out tenth with the mirrored view (n = 5,004, no near-duplicate
    # of it in training), 7 minutes on two free cores, 1.5 of them the search for duplicates.
    "quick": Recipe(
        folds=1,
        holdout=0.1,
        epochs=8,
        batch_size=256,
        lr=0.4,
        warmup=0.2,
        label_smoothing=0.1,
        views="mirror",
        schedule="one-cycle",
        augment="small-mirror",
    ),
    # `kit cifar10 run --recipe speed epochs=10 groups=none doubtful=1`: 0.9330 on a held-out tenth
    # (n = 5,000; 0.9248 plain), 22 minutes of two cores. Twelve epochs, the default: not measured.
    "speed": SPEED,
    # `kit cifar10 run --recipe speed-wide`: not measured: needs a GPU
    # (`python -m benchmarks.cifar10_speed --data DIR --recipe speed-wide`).
    "speed-wide": replace(SPEED, backbone="kit_fastnet_128", epochs=18, batch_size=1024),
    # `kit cifar10 run --recipe transfer`: not measured: needs the weights' download and a GPU.
    "transfer": Recipe(
        folds=5,
        backbone="convnext_tiny.fb_in22k",
        weights="pretrained",
        image_size=128,
        freeze="lp-ft:1",
        epochs=6,
        batch_size=128,
        optimizer="adamw",
        lr=2e-4,
        weight_decay=0.05,
        warmup=0.1,
        label_smoothing=0.1,
        views="mirror",
        eval_batch=256,
    ),
}
