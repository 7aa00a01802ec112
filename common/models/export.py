"""A trained network as a timm model folder: `config.json` and `model.safetensors`."""

from collections.abc import Sequence
from pathlib import Path

import timm
from timm.models import save_for_hf
from torch import nn

from common.models.backbone import check_backbone, read_weights
from common.recipe import Recipe

FILES = ("config.json", "model.safetensors")


def write_model_folder(
    folder: Path, recipe: Recipe, weights: Path, classes: Sequence[str]
) -> nn.Module:
    """Write what `timm.create_model("local-dir:FOLDER", pretrained=True)` reads; return the model.

    The config holds the architecture, the class names, mean, std and crop as the network was fed,
    and as its input size `image_size`, or the architecture's own where the images kept theirs.

    Raises:
        ValueError: the weights are not those of the plain timm network with its own head.
    """
    check_backbone(recipe.backbone)
    settings = {"num_classes": len(classes)}
    model: nn.Module = timm.create_model(recipe.backbone, **settings)
    facts = model.pretrained_cfg
    assert isinstance(facts, dict)
    if recipe.image_size:
        if facts.get("fixed_input_size"):  # such as a ViT: parameters depend on the size
            settings["img_size"] = recipe.image_size
            model = timm.create_model(recipe.backbone, **settings)
        sized = {"input_size": (3, recipe.image_size, recipe.image_size)}
        model.pretrained_cfg = {**facts, **sized}  # type: ignore[assignment]
    found, own = read_weights(weights), model.state_dict()
    fits = set(found) == set(own) and all(found[name].shape == own[name].shape for name in own)
    if not fits:
        raise ValueError(
            f"{weights} holds more or other tensors than {recipe.backbone} with its own head of "
            f"{len(classes)} classes, and timm reads no other: export a run that has that head"
        )
    model.load_state_dict(found)
    save_for_hf(
        model, str(folder), model_config={"label_names": list(classes)}, model_args=settings,
        safe_serialization=True,
    )  # fmt: skip
    return model
