"""Which words recipe fields take (head, freeze, schedule, views), and which fields conflict."""

import re
from typing import Any

from common.errors import KitError
from common.recipe_row_rules import check_noise, check_pseudo
from common.typed_fields import Forms, nearest

# Words that numbers may follow, as in step:10:0.1; None: a required number.
FORMS: dict[str, Forms] = {
    "head": {
        "linear": (),
        "rows": (),
        "mlp": (256,),
        "logits-mlp": (256,),
        "logistic": (),
        "ridge": (),
        "lda": (),
        "svm": (),
        "svr": (),
        "knn": (),
        "boosting": (),
        "best": (),
        "stack": (),
    },
    "freeze": {"none": (), "backbone": (), "stages": (None,), "lp-ft": (1,), "gradual": (1,)},
    "schedule": {"cosine": (), "constant": (), "one-cycle": (), "step": (10.0, 0.1)},
}
# Heads that are solved, not trained; the first are linear layers.
LINEAR = ("logistic", "ridge", "lda", "svm", "svr", "best", "stack")
SOLVED = (*LINEAR, "knn", "boosting")
LOSSES = ("cross_entropy", "bce", "asymmetric", "cumulative", "mse", "l1", "huber", "bce_range")
DECISIONS = (
    "temperature",
    "threshold",
    "label-thresholds",
    "cut-points",
    "class-factors",
    "unknown",
)
POOLS = ("mean", "max", "min", "gem", "token")
LOCAL = "local-dir:"  # before the folder of a timm model
# A plus that another name follows; one in a folder's path is followed by the rest of the path.
BETWEEN_BACKBONES = re.compile(r"\+(?=local-dir:|hf-hub:|[\w.-]+(?:\+|$))")
CLUSTER = re.compile(r"[^\s/:]+:\d+")  # the address of Ray's head
TRACKERS = ("none", "tensorboard", "wandb", "mlflow", "trackio")
VIEWS = ("identity", "mirror", "shifts", "diagonal", "five_crops", "square", "scales")


def in_order(field: str, text: str, words: tuple[str, ...]) -> str:
    """Names joined by + to their canonical spelling: in the order of `words`, each once, `identity` always.

    Raises:
        KitError: an unknown name; the nearest is named.
    """
    names = text.split("+")
    for name in names:
        if name not in words:
            raise KitError(f"{field}={text}: {nearest(name, words)}; join them with +")
    return "+".join(name for name in words if name == "identity" or name in names)


def check_agreement(recipe: Any) -> None:
    """Raise a KitError where two fields, each valid by itself, conflict.

    Args:
        recipe: a `Recipe`, its fields parsed and in canonical spelling.
    """
    kind = recipe.freezing.word
    if kind in ("lp-ft", "gradual") and recipe.freezing.number >= recipe.epochs:
        raise KitError(
            f"freeze={recipe.freeze} trains the head alone for all of epochs={recipe.epochs}: let it "
            "train alone for fewer, "
            f"as in freeze={kind}:1, or set freeze=backbone"
        )
    if recipe.epochs == 0 and (recipe.head != "rows" or recipe.freeze != "backbone"):
        raise KitError(
            "epochs=0 predicts with the pretrained classifier's rows: set head=rows freeze=backbone, or "
            "epochs=1"
        )
    if recipe.head_grid != "none" and (recipe.freeze != "backbone" or not recipe.epochs):
        raise KitError(
            f"head_grid={recipe.head_grid} searches learning rates on frozen features: set freeze=backbone"
        )
    if recipe.joins_features:
        _check_joined_features(recipe)
    if recipe.head in SOLVED:
        _check_solved_head(recipe)
    else:
        _check_trained_head(recipe)
    check_noise(recipe, SOLVED)
    check_pseudo(recipe)
    if recipe.freeze == "backbone" and recipe.drop_rate:
        raise KitError(
            f"drop_rate={recipe.drop_rate:g} is dropout in the backbone, which freeze=backbone keeps in "
            "evaluation mode: set drop_rate=0"
        )
    if (recipe.mixup or recipe.cutmix) and recipe.batch_size % 2:
        raise KitError(
            f"batch_size={recipe.batch_size}: mixup and cutmix mix pairs of images; make it even"
        )
    if not recipe.folds and (recipe.final != "refit" or recipe.decision not in ("auto", "none")):
        raise KitError(
            "folds=0 has no validation split and trains on all rows: set final=refit decision=none too"
        )
    if recipe.final == "refit" and recipe.early_stop:
        raise KitError(
            "final=refit trains on all rows and has no validation split for early stopping: "
            "set early_stop=0 or final=folds"
        )
    if recipe.gpus > 1:
        _check_gpus(recipe)
    if recipe.ray not in ("auto", "none") and not CLUSTER.fullmatch(recipe.ray):
        raise KitError(
            f"ray={recipe.ray} is neither auto nor none nor a cluster's address, as in ray=10.0.0.1:6379"
        )
    _check_store(recipe)


def _check_store(recipe: Any) -> None:
    """What images are stored as holds what training needs."""
    if 0 < recipe.bit_depth < 8:
        raise KitError(
            f"bit_depth={recipe.bit_depth}: 16-bit images hold values of 8 to 16 bits (0: detected)"
        )
    if 0 < recipe.store_short_side < recipe.image_size:
        raise KitError(
            f"store_short_side={recipe.store_short_side} stores images smaller than "
            f"image_size={recipe.image_size}, so that they would be enlarged again: set "
            f"store_short_side={recipe.image_size * 8 // 7} or more, or 0 to keep images as they are"
        )


def _check_trained_head(recipe: Any) -> None:
    """A head that is trained sees the plain view of all features."""
    for name, plain in {"head_views": "identity", "feature_choice": "all"}.items():
        if getattr(recipe, name) != plain:
            raise KitError(
                f"{name}={getattr(recipe, name)} is of heads that are solved, and head={recipe.head} is "
                f"trained: set head={' or '.join(SOLVED)}, or {name}={plain}"
            )


def _check_gpus(recipe: Any) -> None:
    """A model over several GPUs learns what it would on one, but for rounding."""
    given = f"gpus={recipe.gpus}"
    if recipe.batch_size % recipe.gpus:
        raise KitError(
            f"{given}: batch_size={recipe.batch_size} is shared in equal parts; set a multiple of {recipe.gpus}"
        )
    for name in ("drop_rate", "drop_path_rate"):
        if getattr(recipe, name):
            raise KitError(
                f"{given}: {name}={getattr(recipe, name):g} is drawn for a whole batch, which no process "
                f"has: set {name}=0, or gpus=1"
            )
    if recipe.compile:
        raise KitError(f"{given}: compile=true is of one GPU: set compile=false, or gpus=1")


def _check_solved_head(recipe: Any) -> None:
    """A head that is solved has features, folds and no training."""
    if recipe.freeze != "backbone":
        raise KitError(
            f"head={recipe.head} is solved on the features of a frozen backbone: set freeze=backbone, or "
            "head=linear"
        )
    if recipe.feature_choice != "all" and not recipe.joins_features:
        raise KitError(
            f"feature_choice={recipe.feature_choice} chooses among joined features: set feature_stages=, "
            "feature_size= or feature_pools= too, join backbones (backbone=A+B), or set feature_choice=all"
        )
    if not recipe.folds:
        raise KitError(
            f"head={recipe.head} takes its penalty from the folds' held-out rows: set folds=5, or 1"
        )
    plain = {
        "head_grid": "none",
        "loss": "auto",
        "label_smoothing": 0.0,
        "class_balance": "none",
        "models_per_fold": 1,
    }
    wrong = [name for name, value in plain.items() if getattr(recipe, name) != value]
    if wrong:
        given = " ".join(f"{name}={getattr(recipe, name)}" for name in wrong)
        remedy = " ".join(f"{name}={plain[name]}" for name in wrong)
        raise KitError(
            f"head={recipe.head} is solved by its own penalties, with nothing drawn or smoothed, so that "
            f"{given} would do nothing: set {remedy}"
        )


def _check_joined_features(recipe: Any) -> None:
    """Joined features are those of frozen backbones, of which the old classifier knows nothing."""
    plain = {"feature_size": 0, "feature_pools": "mean", "feature_stages": 1}
    changed = (name for name, value in plain.items() if getattr(recipe, name) != value)
    name = next(changed, "backbone")
    given = f"{name}={getattr(recipe, name)}"
    if len(recipe.backbones) > 1:
        _check_backbones(recipe)
    if recipe.freeze != "backbone":
        raise KitError(f"{given} joins a frozen backbone's features: set freeze=backbone")
    if recipe.head_kind.word in ("rows", "logits-mlp", "mlp"):
        raise KitError(f"{given} has a new linear head: set head=linear or {' or '.join(SOLVED)}")
    if recipe.feature_size and not recipe.feature_size < recipe.image_size:
        raise KitError(
            f"{given} is the smaller of two sides, and image_size={recipe.image_size} the larger: swap them"
        )


def _check_backbones(recipe: Any) -> None:
    """Several backbones are different ones, each with weights of its own."""
    given = f"backbone={recipe.backbone}"
    if len({*recipe.backbones}) < len(recipe.backbones):
        raise KitError(f"{given} names a backbone twice: name each once")
    if recipe.weights != "pretrained":
        raise KitError(
            f"{given} joins the features of trained networks, each with weights of its own, which "
            f"weights={recipe.weights} does not give: set weights=pretrained, where a folder "
            "(local-dir:FOLDER) may hold yours"
        )


def check_obstacle(recipe: Any, reason: str, undetachable: str) -> None:
    """Raise a KitError where a head needs cached features, and a field (`reason`) rules them out.

    Doubtful labels need no more than features, unless the network has none (`undetachable`).
    """
    if recipe.noise != "none" and undetachable:
        raise KitError(
            f"noise={recipe.noise} finds doubtful labels on the backbone's features, and "
            f"{recipe.backbone} has none ({undetachable}): set noise=none"
        )
    needs = (
        (recipe.head in SOLVED, "head", "linear"),
        (recipe.head_grid != "none", "head_grid", "none"),
        (recipe.feature_stages > 1, "feature_stages", 1),
        (recipe.feature_size > 0, "feature_size", 0),
        (recipe.feature_pools != "mean", "feature_pools", "mean"),
        (len(recipe.backbones) > 1, "backbone", recipe.backbones[0]),
    )
    for wanted, name, plain in needs:
        if reason and wanted:
            raise KitError(
                f"{name}={getattr(recipe, name)} needs cached features of a frozen backbone, which this "
                f"recipe rules out ({reason}): set {name}={plain}, or augment=photo-none and the like"
            )
