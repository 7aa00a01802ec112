"""Recipes for cifar-10, and their lab notes (`NOTES`): what each scored, or what it needs."""

from dataclasses import replace

from common.recipe import Recipe
from common.recipe_note import Note

# The fast network and what makes it learn in few epochs, after K. Jordan's airbench94_muon (2024):
# its rates are of a batch's summed loss, these of its mean.
SPEED = Recipe(
    folds=1,
    holdout=0.1,
    backbone="kit_fastnet_64",
    epochs=8,
    batch_size=2000,
    optimizer="kit_muon",
    lr=0.24,
    momentum=0.6,
    weight_decay=0.0024,
    head_lr_scale=6.9,
    norm_bias_lr_scale=440,
    schedule="one-cycle",
    warmup_ratio=0.01,
    label_smoothing=0.2,
    augment="small-alternate",
    views="mirror+diagonal",
    tta_fraction=0.25,
)

RECIPES = {
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
    "speed": SPEED,
    "speed-wide": replace(  # half the batch: half the rates of SGD, those of head and biases
        SPEED,
        backbone="kit_fastnet_128",
        epochs=40,
        batch_size=1000,
        head_lr_scale=3.5,
        norm_bias_lr_scale=220.0,
        augment="small-strong",
    ),
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

NOTES = {
    "quick": Note(
        command="kit cifar10 run",
        metric="accuracy",
        score=0.8929,
        scored_on="a held-out tenth",
        n=5004,
        minutes=7,
        hardware="two CPU cores",
        date="2026-11-21",
        remark="With the mirrored view, 0.8791 without. No near-duplicate of a held-out image is in "
        "training; the search for them takes 1.5 of the minutes.",
    ),
    "speed": Note(
        command="kit cifar10 validate --recipe speed groups=none repeats=4 compile=true",
        metric="accuracy",
        score=0.9389,
        spread="± 0.0031 (sd over splits)",
        scored_on="a held-out tenth, four times",
        n=17280,
        minutes=1.2,
        hardware="one H200, 16 cores",
        date="2026-11-27",
        remark="1.43 s of training a model (airbench94_muon on the same splits: 0.9406, 1.89 s). With "
        "cuda_graphs alone, three of the splits: 0.9408 ± 0.0020, 1.75 s.",
    ),
    "speed-wide": Note(
        command="kit cifar10 run --recipe speed-wide",
        needs="a GPU",
        remark="Its score was not measured; an epoch takes 0.5 s of an H200 (pixels of chance). "
        "`make bench-gpu` measures it.",
    ),
    "transfer": Note(
        command="kit cifar10 run --recipe transfer",
        needs="ConvNeXt's weights and a GPU",
    ),
}
