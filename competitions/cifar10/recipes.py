"""Recipes for cifar-10. Each note: command, score with its n, minutes, hardware."""

from dataclasses import replace

from common.recipe import Recipe

# The fast network and what makes it learn in few epochs, after K. Jordan (2024).
SPEED = Recipe(
    folds=1,
    holdout=0.1,
    backbone="kit_fastnet_64",
    epochs=11,
    batch_size=512,
    optimizer="kit_muon",
    lr=0.2,
    momentum=0.6,
    weight_decay=0.001,
    head_lr_scale=2.5,
    norm_bias_lr_scale=160,
    schedule="one-cycle",
    warmup_ratio=0.02,
    label_smoothing=0.2,
    augment="small-alternate",
    initial_image_size=24,
    views="mirror+diagonal",
    tta_fraction=0.25,
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
        warmup_ratio=0.2,
        label_smoothing=0.1,
        views="mirror",
        schedule="one-cycle",
        augment="small-mirror",
    ),
    # `kit cifar10 validate --recipe speed groups=none tta_fraction=1`: 0.9400 on a held-out tenth (n = 5,000,
    # standard error 0.0034, one seed; 0.9216 plain). 3,571 s of processor time in all, 30 minutes of two
    # cores (EPYC with AVX2; by the clock 48, at a load of 8). All 50,000 (`run --recipe speed folds=0
    # final=refit groups=none`): 2,921 s of processor time, 24.3 minutes of two cores, 30.8 by the clock beside
    # other work, no score here.
    "speed": SPEED,
    # `kit cifar10 run --recipe speed-wide`: not measured: needs a GPU
    # (`python -m benchmarks.cifar10_speed --data DIR --recipe speed-wide`).
    # Twice the batch: SGD's rates, those of the head and the biases, are doubled with it.
    "speed-wide": replace(
        SPEED,
        backbone="kit_fastnet_128",
        epochs=18,
        batch_size=1024,
        head_lr_scale=5.0,
        norm_bias_lr_scale=320.0,
    ),
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
        warmup_ratio=0.1,
        label_smoothing=0.1,
        views="mirror",
        eval_batch_size=256,
    ),
}
