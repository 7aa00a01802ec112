"""Recipes for a folder of classes. Each note: command, score with its n, minutes, hardware.

The first four differ in what they begin with and what moves, so that `kit folder compare scratch frozen finetune rows`
answers the course's question. A model is trained anew on all training images and judged on test/.
"""

from dataclasses import replace

from common.recipe import Recipe

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
    # `kit folder compare scratch finetune frozen epochs=4 image_size=128 store_short_side=160 --seeds
    # 3`, with MobileNetV2's tf_in1k weights, on two busy cores. hotdog, test n = 80: 0.796 ± 0.007;
    # 0.1 minutes of training for the three. The head alone, on features that are computed once.
    "frozen": replace(FINETUNE, freeze="backbone", augment="photo-none"),
    # The same `kit folder compare …`: hotdog, test n = 80: 0.850 ± 0.025; 4.6 minutes for the
    # three.
    "finetune": FINETUNE,
    # The same `kit folder compare …`: hotdog, test n = 80: 0.554 ± 0.038; 5.3 minutes for the
    # three.
    "scratch": replace(FINETUNE, weights="scratch", head_lr_scale=1, lr=0.01),
    # `kit folder run --recipe rows`: the old classifier's rows where a class has the name of one
    # (pizza does, sushi does not). not measured: needs a data set whose classes ImageNet mostly
    # knows.
    "rows": replace(FINETUNE, head="rows"),
    # `kit folder run --recipe course-hotdog`. The course's: its lr 5e-5 and decay 0.001 are of a
    # loss summed over a batch of 128. not measured: needs ResNet-18's weights.
    "course-hotdog": COURSE,
    # `kit folder run --recipe course-food`. The course's MXNet trainer divides by the batch: its
    # rates are as written. not measured: needs ResNet-18's weights.
    "course-food": replace(COURSE, epochs=20, batch_size=200, lr=0.01, weight_decay=1e-3),
    # `kit folder run --recipe strong`: not measured: needs the weights and a GPU.
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
