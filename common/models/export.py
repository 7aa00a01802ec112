"""A trained network as a timm model folder: `config.json` and `model.safetensors`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from timm.models import save_for_hf
from torch import nn

from common.errors import KitError
from common.models.backbone import has_one_size, rebuild
from common.models.weights import LOCAL, read_weights
from common.recipe import Recipe
from common.storage import read_json

FILES = ("config.json", "model.safetensors")


def write_model_folder(
    folder: Path, recipe: Recipe, weights: Path, classes: Sequence[str]
) -> nn.Module:
    """Write what `timm.create_model("local-dir:FOLDER", pretrained=True)` reads; return the model.

    The config holds the architecture, the class names, mean, std and crop as the network was fed,
    and as its input size `image_size`, or the architecture's own where the images kept theirs.

    Raises:
        KitError: the weights are not those of the plain timm network with its own head.
    """
    if recipe.head not in ("linear", "rows"):
        raise KitError(
            f"head={recipe.head} is no head of timm's networks, and timm reads no other: export a run "
            "with head=linear or rows"
        )
    model = rebuild(recipe, classes, read_weights(weights))
    settings = _carried(recipe.backbone) | {"num_classes": len(classes)}
    facts = model.pretrained_cfg
    assert isinstance(facts, dict)
    if recipe.image_size:
        if has_one_size(recipe.backbone):  # such as a ViT: parameters depend on the size
            settings["img_size"] = recipe.image_size
        sized = {"input_size": (3, recipe.image_size, recipe.image_size)}
        model.pretrained_cfg = {**facts, **sized}  # type: ignore[assignment]
    save_for_hf(
        model,
        str(folder),
        model_config={"label_names": list(classes)},
        model_args=settings,
        safe_serialization=True,
    )
    return model


def _carried(backbone: str) -> dict[str, Any]:
    """What the folder that a backbone came from says of its shape, such as its padding."""
    if not backbone.startswith(LOCAL):
        return {}
    return dict(read_json(Path(backbone.removeprefix(LOCAL)) / "config.json").get("model_args", {}))
