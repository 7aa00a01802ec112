"""Recipes to start from for photographs, which competitions vary by `dataclasses.replace`; no measured score.

`FROZEN_HEAD`: a head on a frozen network's features, minutes on two cores. `FEATURES`: a head solved on
features of several stages, two sizes and two poolings, as the folds choose, which serves small data best.
`FINE_TUNED`: for one GPU.
"""

from common.recipe import Recipe

FROZEN_HEAD = Recipe(
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
)
FEATURES = Recipe(
    backbone="mobilenetv2_100.ra_in1k",
    weights="pretrained",
    freeze="backbone",
    image_size=320,
    feature_size=224,
    feature_stages=3,
    feature_pools="mean+max",
    feature_choice="best",
    store_short_side=366,
    augment="photo-none",
    head="stack",
    head_views="mirror",
    views="mirror",
    final="refit",
    epochs=1,
)
FINE_TUNED = Recipe(
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
)
