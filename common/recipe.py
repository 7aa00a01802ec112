"""All recipe fields (add a recipe field here), each with its stage, meaning, range and default.

*split* and *train* fields enter the hash in the run's name, *predict* fields the hash in its
predictions' folder; *runtime* fields are recorded and enter no hash.
"""

from dataclasses import dataclass, fields
from functools import cached_property

from common.recipe_rules import (
    BETWEEN_BACKBONES,
    DECISIONS,
    FORMS,
    LOSSES,
    POOLS,
    TRACKERS,
    VIEWS,
    check_agreement,
    in_order,
)
from common.typed_fields import Choice, check_value, param, parse_choice


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a run splits, trains, predicts and executes; vary one by `dataclasses.replace`."""

    rows: int = param(0, "split", "rows of a stratified sample to train on; 0: all", low=0)
    folds: int = param(
        5, "split", "cross-validation folds; 1: one hold-out; 0: no validation split", low=0
    )
    holdout: float = param(0.2, "split", "share of rows held out when folds=1", low=0.01, high=0.5)
    repeats: int = param(
        1, "split", "repeats of the cross-validation, each with a new split", low=1, high=100
    )
    split_seed: int = param(0, "split", "random seed of the split only", low=0, high=2**31)
    groups: str = param(
        "near",
        "split",
        "kept in one fold: near (near-duplicates), identical (files), none, or a CSV of id,group",
    )

    backbone: str = param("kit_resnet9_16", "train", "timm names or local-dir:FOLDER, joined by +")
    weights: str = param("scratch", "train", "scratch, pretrained, or a local weights file")
    image_size: int = param(0, "train", "side of the network's input, pixels; 0: as stored", low=0)
    initial_image_size: int = param(0, "train", "progressive resizing: first side; 0: off", low=0)
    store_short_side: int = param(0, "train", "shorter side of stored images; 0: original", low=0)
    bit_depth: int = param(
        0, "train", "bits used of 16-bit images, 8 to 16; 0: as training needs", low=0, high=16
    )
    drop_rate: float = param(0.0, "train", "dropout before the classifier", low=0, high=0.95)
    drop_path_rate: float = param(0.0, "train", "stochastic depth", low=0, high=0.95)
    head: str = param(
        "linear",
        "train",
        "the classifier: linear, mlp:256 (hidden units), logits-mlp:256 (on the pretrained classifier's "
        "logits), rows (its rows, by label name); solved on frozen features: logistic, ridge, lda, best "
        "or stack (of these three), svm, svr (numbers, grades), knn (nearest neighbours), boosting (trees)",
    )
    freeze: str = param(
        "none",
        "train",
        "frozen layers: none, backbone, stages:2 (the first two), lp-ft:1 (linear probing for an epoch, "
        "then fine-tuning), gradual:1 (gradual unfreezing, an epoch a stage)",
    )
    head_grid: str = param(
        "none",
        "train",
        "grid search of a head on frozen features: small is 3 learning rates x 3 weight decays",
        choices=("none", "small"),
    )
    feature_stages: int = param(1, "train", "last stages whose means a head sees", low=1, high=9)
    feature_size: int = param(0, "train", "a second, smaller side for a head's features", low=0)
    feature_pools: str = param(
        "mean", "train", "how a stage becomes features, joined by +: " + " ".join(POOLS)
    )
    feature_choice: str = param(
        "all",
        "train",
        "a solved head's features: all, or best of a few choices by the other folds",
        choices=("all", "best"),
    )
    head_views: str = param("identity", "train", "views that a solved head learns from, as views=")
    epochs: int = param(
        10, "train", "epochs of all phases together; 0: no training, predict with head=rows", low=0
    )
    batch_size: int = param(64, "train", "images in a batch", low=2)
    gpus: int = param(1, "train", "GPUs that share a model's batches (DDP)", low=1, high=64)
    grad_accum_steps: int = param(
        1, "train", "batches whose gradients are accumulated for one update", low=1
    )
    optimizer: str = param("sgd", "train", "sgd (Nesterov), adamw, kit_muon, or any of timm's")
    lr: float = param(0.1, "train", "the peak learning rate", low=1e-9, high=100)
    head_lr_scale: float = param(
        1.0, "train", "the head's learning rate as a multiple of lr", low=0.001, high=1000
    )
    norm_bias_lr_scale: float = param(
        1.0, "train", "learning rate of norms' biases as a multiple of lr", low=0.001, high=1000
    )
    layer_decay: float = param(
        1.0, "train", "a layer's learning rate as a share of the next one's", low=0.01, high=1
    )
    momentum: float = param(
        0.9, "train", "SGD's momentum, or beta1 of Adam's family", low=0, high=0.9999
    )
    weight_decay: float = param(5e-4, "train", "weight decay, not of norms or biases", low=0)
    schedule: str = param(
        "cosine",
        "train",
        "lr after warm-up: cosine, constant, one-cycle, step:10:0.1 (epochs, factor)",
    )
    warmup_ratio: float = param(
        0.0, "train", "share of the updates in linear warm-up", low=0, high=0.9
    )
    min_lr_ratio: float = param(0.0, "train", "final learning rate as a share of lr", low=0, high=1)
    loss: str = param("auto", "train", "auto: the target's own; " + ", ".join(LOSSES))
    label_smoothing: float = param(
        0.0, "train", "share of the target spread over all classes", low=0, high=0.9
    )
    mixup: float = param(0.0, "train", "alpha of mixup; 0: off", low=0)
    cutmix: float = param(0.0, "train", "alpha of cutmix; 0: off", low=0)
    ema_decay: float = param(
        0.0, "train", "decay of the weights' EMA per update; 0: off", low=0, high=0.99999
    )
    clip_grad: float = param(0.0, "train", "gradient clipping: largest norm; 0: off", low=0)
    early_stop: int = param(0, "train", "early stopping: epochs of patience; 0: off", low=0)
    class_balance: str = param(
        "none",
        "train",
        "class imbalance: weights (in the loss) or sampling (rare classes oversampled)",
        choices=("none", "weights", "sampling"),
    )
    noise: str = param(
        "none",
        "train",
        "labels most likely wrong, by confident learning among a fold's training rows: drop, or weight "
        "them less; held-out rows keep theirs",
        choices=("none", "weight", "drop"),
    )
    pseudo: str = param(
        "none",
        "train",
        "pseudo-labels: a run whose model of a fold labels the test rows for that fold to train on",
    )
    pseudo_images: str = param("none", "train", "a folder or archive of more images, as test rows")
    pseudo_threshold: float = param(
        0.0, "train", "least probability of a pseudo-label, then hard; 0: soft, all", low=0, high=1
    )
    augment: str = param(
        "small",
        "train",
        "images of one small size: small, small-mirror, small-alternate, small-strong, small-shift, "
        "small-none; photographs: photo, photo-crop, photo-light, photo-none",
    )
    seed: int = param(
        0, "train", "random seed of initial weights, data order and augmentation", low=0
    )
    models_per_fold: int = param(
        1, "train", "models a fold, seeds seed, seed+1, …; averaged", low=1, high=100
    )

    views: str = param(
        "identity", "predict", "test-time augmentation, joined by +: " + " ".join(VIEWS)
    )
    tta_fraction: float = param(
        1.0, "predict", "share of rows, the least confident, given all views", low=0.01, high=1
    )
    final: str = param(
        "folds", "predict", "fold models' mean, or a refit on all rows", choices=("folds", "refit")
    )
    unreadable: str = param(
        "stop", "predict", "unreadable images: stop, or mean prediction", choices=("stop", "mean")
    )
    decision: str = param(
        "auto", "predict", "probs to answers, out-of-fold", choices=("auto", "none", *DECISIONS)
    )

    device: str = param(
        "auto", "runtime", "device to run on", choices=("auto", "cpu", "cuda", "mps")
    )
    precision: str = param(
        "auto",
        "runtime",
        "auto: bf16 or fp16 where it is faster on this GPU, else fp32",
        choices=("auto", "fp32", "bf16", "fp16"),
    )
    memory_format: str = param(
        "channels_last", "runtime", "layout", choices=("channels_last", "contiguous")
    )
    compile: bool = param(False, "runtime", "torch.compile the network")
    cuda_graphs: bool = param(True, "runtime", "on a GPU, capture a training pass as CUDA graphs")
    grad_checkpointing: bool = param(False, "runtime", "recompute activations to save memory")
    workers: int = param(2, "runtime", "threads that augment photographs", low=0, high=256)
    processes: int = param(0, "runtime", "training processes; 0: one a GPU", low=0, high=64)
    ray: str = param(
        "auto", "runtime", "with several processes, Ray: auto (on this machine), none, or HOST:PORT"
    )
    eval_batch_size: int = param(
        0, "runtime", "batch size in evaluation and inference; 0: by device and image size", low=0
    )
    tracker: str = param("none", "runtime", "told every epoch's figures", choices=TRACKERS)

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name in FORMS and isinstance(value, str):
                choice = parse_choice(each.name, value, FORMS[each.name])
                object.__setattr__(self, each.name, str(choice))
            check_value(each, value)
            if each.type is float:  # lr=1 and lr=1.0 are one recipe
                object.__setattr__(self, each.name, float(value))
        for name, words in (("head_views", VIEWS), ("views", VIEWS), ("feature_pools", POOLS)):
            object.__setattr__(self, name, in_order(name, getattr(self, name), words))
        check_agreement(self)

    @cached_property
    def backbones(self) -> tuple[str, ...]:
        """`backbone`, parsed: the names of those whose features are joined."""
        return tuple(BETWEEN_BACKBONES.split(self.backbone))

    @cached_property
    def joins_features(self) -> bool:
        """Does the head see more than the backbone's own features?"""
        found = (self.feature_stages, self.feature_size, self.feature_pools, len(self.backbones))
        return found != (1, 0, "mean", 1)

    @cached_property
    def view_names(self) -> tuple[str, ...]:
        """The test-time augmentations by name, the plain view first."""
        return tuple(self.views.split("+"))

    @cached_property
    def freezing(self) -> Choice:
        """`freeze`, parsed: the word, and for how many stages or epochs."""
        return self._choice("freeze")

    @cached_property
    def rate_schedule(self) -> Choice:
        """`schedule`, parsed: the word; for `step` its epochs and factor."""
        return self._choice("schedule")

    @cached_property
    def head_kind(self) -> Choice:
        """`head`, parsed: the word; for an MLP its hidden units."""
        return self._choice("head")

    def _choice(self, name: str) -> Choice:
        return parse_choice(name, getattr(self, name), FORMS[name])
