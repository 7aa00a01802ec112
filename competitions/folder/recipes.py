"""Recipes for class folders, and their lab notes (`NOTES`): what each scored, or what it needs.

The first four differ in initial weights and in what is trained: `kit folder compare scratch frozen
finetune rows` compares them. A model is trained anew on all training images and scored on test/.
"""

from dataclasses import replace
from functools import partial

from common.photo_recipes import FEATURES
from common.recipe import Recipe
from common.recipe_note import Note

FINETUNE = Recipe(
    backbone="mobilenetv2_100.ra_in1k",
    weights="pretrained",
    image_size=160,
    store_short_side=256,
    augment="photo-light",
    folds=1,
    final="refit",
    epochs=6,
    batch_size=16,
    lr=0.001,
    head_lr_scale=10,
    warmup_ratio=0.1,
    weight_decay=1e-4,
    views="mirror",
)

COURSE = Recipe(
    backbone="resnet18.tv_in1k",
    weights="pretrained",
    image_size=224,
    augment="photo-crop",
    folds=1,
    final="refit",
    epochs=5,
    batch_size=128,
    lr=6.4e-3,
    momentum=0.0,
    weight_decay=7.8e-6,
    head_lr_scale=10,
    schedule="constant",
)

RECIPES = {
    "frozen": replace(FINETUNE, freeze="backbone", augment="photo-none"),
    "features": FEATURES,
    "finetune": FINETUNE,
    "scratch": replace(FINETUNE, weights="scratch", head_lr_scale=1, lr=0.01),
    "rows": replace(FINETUNE, head="rows"),
    "course-hotdog": COURSE,
    "course-food": replace(COURSE, epochs=20, batch_size=200, lr=0.01, weight_decay=1e-3),
    "strong": Recipe(
        backbone="convnext_tiny.fb_in22k_ft_in1k",
        weights="pretrained",
        image_size=224,
        store_short_side=256,
        augment="photo",
        freeze="lp-ft:2",
        epochs=12,
        batch_size=32,
        optimizer="adamw",
        lr=2e-4,
        head_lr_scale=5,
        layer_decay=0.8,
        weight_decay=0.05,
        warmup_ratio=0.1,
        label_smoothing=0.1,
        ema_decay=0.99,
        drop_path_rate=0.1,
        views="mirror",
    ),
}

# One comparison of three recipes, three seeds each, by MobileNetV2's tf_in1k weights.
HOTDOG = partial(
    Note,
    command="kit folder compare scratch finetune frozen epochs=4 image_size=128 "
    "store_short_side=160 --seeds 3",
    metric="accuracy",
    scored_on="hotdog's test/",
    n=80,
    hardware="two busy CPU cores",
    date="2026-11-21",
)

NOTES = {
    "frozen": HOTDOG(
        score=0.7958,
        spread="± 0.007 (sd over 3 seeds)",
        minutes=0.1,
        remark="Minutes of training, three seeds together, weights tf_in1k. Only the head is trained, "
        "on features that are computed once.",
    ),
    "features": Note(
        command="kit folder run --recipe features head=ridge feature_pools=mean "
        "feature_choice=all backbone=local-dir:mobilenetv2_100.tf_in1k",
        metric="accuracy",
        score=0.9117,
        spread="± 0.0232 (sd over folds)",
        scored_on="5 folds of hotdog",
        n=385,
        minutes=2.2,
        hardware="two busy CPU cores",
        date="2026-11-27",
        remark="81 s of CPU time; hotdog's test/ 0.9125 (n = 80). frozen with folds=5: 0.8831 and 0.8500, "
        "21 s. Three dishes: 0.9333 (n = 225), test/ 0.9467 (n = 75), 51 s; frozen 0.8933 and 0.9200, 18 s.",
    ),
    "finetune": HOTDOG(
        score=0.8500,
        spread="± 0.025 (sd over 3 seeds)",
        minutes=4.6,
        remark="Minutes of training, three seeds together, weights tf_in1k.",
    ),
    "scratch": HOTDOG(
        score=0.5542,
        spread="± 0.038 (sd over 3 seeds)",
        minutes=5.3,
        remark="Minutes of training, three seeds together.",
    ),
    "rows": Note(
        command="kit folder run --recipe rows",
        needs="a data set whose classes ImageNet mostly knows",
        remark="A class with the name of an ImageNet class (pizza, not sushi) starts from its row.",
    ),
    "course-hotdog": Note(
        command="kit folder run --recipe course-hotdog",
        needs="ResNet-18's weights",
        remark="The course's: its lr 5e-5 and decay 0.001 are of a loss summed over a batch of 128.",
    ),
    "course-food": Note(
        command="kit folder run --recipe course-food",
        needs="ResNet-18's weights",
        remark="The course's MXNet trainer divides by the batch: its rates are as written.",
    ),
    "strong": Note(
        command="kit folder run --recipe strong",
        needs="ConvNeXt's weights and a GPU",
    ),
}
