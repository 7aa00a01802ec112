"""Small networks as folders of timm models, each with a normalisation of its own."""

from pathlib import Path
from typing import Any

import timm
import torch
from timm.models import save_for_hf

NORMALISED: dict[str, Any] = {
    "test_resnet": {"mean": (0.5, 0.4, 0.3), "std": (0.2, 0.25, 0.3)},
    "test_efficientnet": {"mean": (0.1, 0.2, 0.3), "std": (0.5, 0.6, 0.7)},
    "kit_resnet9_16": {"mean": (0.4, 0.4, 0.4), "std": (0.3, 0.3, 0.3)},
}


def model_folder(name: str, folder: Path, seed: int = 0) -> str:
    """A network with weights of chance in a folder: what `backbone=` takes."""
    torch.manual_seed(seed)
    model = timm.create_model(name, num_classes=5)
    model.pretrained_cfg |= NORMALISED[name]
    save_for_hf(model, str(folder), safe_serialization=True)
    return f"local-dir:{folder}"
