"""A recipe: everything that shapes a run and nothing else, as one frozen value.

Every field carries its stage. *split* and *train* fields name the run (its eight hex digits),
*predict* fields name the predictions below it, *runtime* fields are recorded and never hashed.
"""

from collections.abc import Iterable
from dataclasses import Field, dataclass, fields, replace
from functools import cached_property
from typing import Any

from common.errors import KitError
from common.recipe_fields import Choice, check, choice_of, described, nearest, typed
from common.recipe_rules import FORMS, VIEWS, check_agreement, views_in_order

# The stages whose fields name a run: what its folds and its weights are a function of.
SHAPING = ("split", "train")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a run splits, trains, predicts and executes. Variants come from `dataclasses.replace`."""

    rows: int = described(0, "split", "rows of a stratified sample to train on; 0: all", low=0)
    folds: int = described(
        5,
        "split",
        "folds of the cross-validation; 1: a single hold-out; 0: none, nothing is judged",
        low=0,
    )
    holdout: float = described(
        0.2, "split", "share of rows held out when folds=1", low=0.01, high=0.5
    )
    repeats: int = described(1, "split", "times the whole split is drawn anew", low=1, high=100)
    split_seed: int = described(0, "split", "seed of the split alone", low=0, high=2**31)
    groups: str = described(
        "near",
        "split",
        "rows never split apart: near (same shot), identical (same file), none, or a CSV of id,group",
    )

    backbone: str = described("kit_resnet9_16", "train", "a timm model name, or local-dir:FOLDER")
    weights: str = described("scratch", "train", "scratch, pretrained, or a local weights file")
    image_size: int = described(0, "train", "side of the network's input; 0: as stored", low=0)
    initial_image_size: int = described(
        0, "train", "side of the input in the first epoch, growing to image_size; 0: off", low=0
    )
    store_short_side: int = described(0, "train", "shorter side stored; 0: as it is", low=0)
    bit_depth: int = described(
        0, "train", "of the values in 16-bit images, 8 to 16; 0: as the training images' need", low=0,
        high=16,
    )  # fmt: skip
    drop_rate: float = described(0.0, "train", "dropout before the classifier", low=0, high=0.95)
    drop_path_rate: float = described(0.0, "train", "stochastic depth", low=0, high=0.95)
    head: str = described(
        "linear",
        "train",
        "the new classifier: linear, mlp:256 (on features, hidden units), logits-mlp:256 (on the old "
        "classifier's outputs), rows (the old classifier's, by label name)",
    )
    freeze: str = described(
        "none",
        "train",
        "what stays as it was: none, backbone, stages:2 (the first two), lp-ft:1 (an epoch of the head "
        "alone, then all), gradual:1 (an epoch of the head, then stage by stage)",
    )
    head_grid: str = described(
        "none",
        "train",
        "freeze=backbone on fixed views: small tries 3 rates x 3 decays, chosen by the other folds",
        choices=("none", "small"),
    )
    epochs: int = described(
        10, "train", "passes over the training rows, all phases together; 0: the old rows as they are",
        low=0,
    )  # fmt: skip
    batch_size: int = described(64, "train", "images a batch holds", low=2)
    grad_accum_steps: int = described(1, "train", "batches whose gradients make one update", low=1)
    optimizer: str = described("sgd", "train", "sgd (Nesterov), adamw, kit_muon, or any timm knows")
    lr: float = described(0.1, "train", "the peak learning rate", low=1e-9, high=100)
    head_lr_scale: float = described(
        1.0, "train", "the head's rate as a multiple of lr (the course: 10)", low=0.001, high=1000
    )
    norm_bias_lr_scale: float = described(
        1.0, "train", "the rate of the norms' biases as a multiple of lr", low=0.001, high=1000
    )
    layer_decay: float = described(
        1.0, "train", "each layer's rate as a share of the one after it", low=0.01, high=1
    )
    momentum: float = described(
        0.9, "train", "sgd's momentum, or the first beta of adam and its kin", low=0, high=0.9999
    )
    weight_decay: float = described(
        5e-4, "train", "decay of weights, not of norms or biases", low=0
    )
    schedule: str = described(
        "cosine",
        "train",
        "how the rate moves after warm-up: cosine, constant, one-cycle, step:10:0.1 (every 10 epochs, to "
        "a tenth)",
    )
    warmup_ratio: float = described(
        0.0, "train", "share of the updates that rise linearly to the peak", low=0, high=0.9
    )
    min_lr_ratio: float = described(0.0, "train", "the last rate, as a share of lr", low=0, high=1)
    label_smoothing: float = described(
        0.0, "train", "share of the target spread evenly", low=0, high=0.9
    )
    mixup: float = described(0.0, "train", "alpha of mixup; 0: off", low=0)
    cutmix: float = described(0.0, "train", "alpha of cutmix; 0: off", low=0)
    ema_decay: float = described(
        0.0, "train", "decay of the averaged weights, an update; 0: off", low=0, high=0.99999
    )
    clip_grad: float = described(0.0, "train", "largest norm of the gradient; 0: off", low=0)
    early_stop: int = described(0, "train", "epochs without gain before stopping; 0: never", low=0)
    class_balance: str = described(
        "none",
        "train",
        "rare classes count more: weights (in the loss) or sampling (drawn oftener)",
        choices=("none", "weights", "sampling"),
    )
    augment: str = described(
        "small",
        "train",
        "images of one small size: small, small-mirror, small-alternate, small-shift, small-none; photographs: photo, "
        "photo-crop, photo-light, photo-none",
    )
    seed: int = described(0, "train", "seed of weights, order and augmentation", low=0)
    models_per_fold: int = described(
        1, "train", "models a fold, seeds seed, seed+1, …, averaged", low=1, high=100
    )

    views: str = described("identity", "predict", "views joined by +: " + " ".join(VIEWS))
    tta_fraction: float = described(
        1.0,
        "predict",
        "share of the rows, those least certain under the plain view, that get the other views",
        low=0.01,
        high=1,
    )
    final: str = described(
        "folds", "predict", "who predicts: the fold models' mean, or one trained anew on all rows",
        choices=("folds", "refit"),
    )  # fmt: skip
    unreadable: str = described(
        "stop", "predict", "at test images that cannot be read: stop, or the mean of all predictions",
        choices=("stop", "mean"),
    )  # fmt: skip
    calibration: str = described(
        "none",
        "predict",
        "temperature: probs sharpened or flattened by one number, fitted out-of-fold",
        choices=("none", "temperature"),
    )

    device: str = described(
        "auto", "runtime", "where it runs", choices=("auto", "cpu", "cuda", "mps")
    )
    precision: str = described(
        "auto",
        "runtime",
        "auto: bf16 or fp16 where the GPU gains from it, else fp32",
        choices=("auto", "fp32", "bf16", "fp16"),
    )
    memory_format: str = described(
        "channels_last", "runtime", "memory layout", choices=("channels_last", "contiguous")
    )
    compile: bool = described(False, "runtime", "torch.compile the network")
    workers: int = described(2, "runtime", "threads that transform photographs", low=0, high=256)
    processes: int = described(0, "runtime", "that train; 0: one a GPU", low=0, high=64)
    eval_batch_size: int = described(
        0, "runtime", "images an inference batch holds; 0: by device and image size", low=0
    )

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name in FORMS and isinstance(value, str):
                choice = choice_of(each.name, value, FORMS[each.name])
                object.__setattr__(self, each.name, str(choice))
            check(each, value)
            if each.type is float:  # lr=1 and lr=1.0 are one recipe
                object.__setattr__(self, each.name, float(value))
        object.__setattr__(self, "views", views_in_order(self.views))
        check_agreement(self)

    @cached_property
    def view_names(self) -> tuple[str, ...]:
        """The groups of views, the plain one first."""
        return tuple(self.views.split("+"))

    @cached_property
    def freezing(self) -> Choice:
        """What does not train, and for how many stages or epochs."""
        return self._choice("freeze")

    @cached_property
    def rate_schedule(self) -> Choice:
        """How the rate falls; behind `step` its epochs and its factor."""
        return self._choice("schedule")

    @cached_property
    def head_kind(self) -> Choice:
        """What the head is; behind an mlp its width."""
        return self._choice("head")

    def _choice(self, name: str) -> Choice:
        return choice_of(name, getattr(self, name), FORMS[name])


def stage_of(name: str) -> str:
    """The stage of a field."""
    return str(_fields()[name].metadata["stage"])


def with_values(recipe: Recipe, words: Iterable[str]) -> Recipe:
    """The recipe with `key=value` words applied, each typed by its field.

    Raises:
        KitError: an unknown field (the nearest is named), a wrong type, an impossible value, a
            field given twice.
    """
    changes: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise KitError(f"{word!r} is not field=value, such as epochs=2 or lr=3e-4")
        if name not in _fields():
            raise KitError(f"a recipe has no field {name!r}: {nearest(name, tuple(_fields()))}")
        if name in changes:
            raise KitError(f"{name} is given twice: {name}={changes[name]} and {word}")
        changes[name] = typed(_fields()[name], text)
    return replace(recipe, **changes)


def differences(recipe: Recipe, stages: Iterable[str]) -> dict[str, Any]:
    """The fields of these stages that differ from the defaults of `Recipe`, by name.

    Only these enter a run's name, so that a new field renames no old run.
    """
    wanted = set(stages)
    return {
        each.name: getattr(recipe, each.name)
        for each in sorted(fields(recipe), key=lambda each: each.name)
        if each.metadata["stage"] in wanted and getattr(recipe, each.name) != each.default
    }


def _fields() -> dict[str, Field[Any]]:
    return {each.name: each for each in fields(Recipe)}
