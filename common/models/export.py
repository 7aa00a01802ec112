"""Export a trained network as a timm model folder: `config.json` and `model.safetensors`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from timm.models import save_for_hf
from torch import nn

from common.errors import KitError
from common.models.backbone import rebuild
from common.models.backbone_names import has_fixed_input_size
from common.models.weights import read_weights
from common.recipe import Recipe
from common.recipe_rules import LINEAR, LOCAL
from common.storage import read_json

FILES = ("config.json", "model.safetensors")


def write_model_folder(
    folder: Path, recipe: Recipe, weights: Path, classes: Sequence[str]
) -> nn.Module:
    """Write a folder for `timm.create_model("local-dir:FOLDER", pretrained=True)`; return the model.

    The config holds the architecture, class names, the mean, std and crop used in training, and as
    input size `image_size`, or the architecture's default with image_size=0.

    Raises:
        KitError: the head is not timm's own, which timm could not load.
    """
    if recipe.head not in ("linear", "rows", *LINEAR):
        raise KitError(
            f"head={recipe.head} is not one of timm's heads, so timm could not load the model: export a run "
            f"with head=linear, rows, {' or '.join(LINEAR)}"
        )
    if recipe.joins_features:
        raise KitError(
            f"feature_stages={recipe.feature_stages} feature_size={recipe.feature_size} "
            f"feature_pools={recipe.feature_pools} backbone={recipe.backbone} join features of several "
            "stages, sizes, poolings or backbones, which no timm network does: export a run without "
            "them, or let `kit … kernel` carry this one"
        )
    model = rebuild(recipe, classes, read_weights(weights))
    settings = _model_args(recipe.backbone) | {"num_classes": len(classes)}
    facts = model.pretrained_cfg
    assert isinstance(facts, dict)
    if recipe.image_size:
        if has_fixed_input_size(recipe.backbone):  # such as a ViT: parameters depend on the size
            settings["img_size"] = recipe.image_size
        resized = {"input_size": (3, recipe.image_size, recipe.image_size)}
        model.pretrained_cfg = {**facts, **resized}  # type: ignore[assignment]
    save_for_hf(
        model,
        str(folder),
        model_config={"label_names": list(classes)},
        model_args=settings,
        safe_serialization=True,
    )
    return model


def _model_args(backbone: str) -> dict[str, Any]:
    """The `model_args` of a local backbone's config, such as its padding; empty for timm names."""
    if not backbone.startswith(LOCAL):
        return {}
    return dict(read_json(Path(backbone.removeprefix(LOCAL)) / "config.json").get("model_args", {}))
