"""What a package of a run holds, and how its files are called."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.recipe import Recipe
from common.runs import Run
from common.workflow.predicting.mean_rows import PREDICTOR

__all__ = ["FORMAT", "PREDICTOR", "WEIGHTS", "Package"]

FORMAT = 2
WEIGHTS = "weights.safetensors"


@dataclass
class Package:
    """What predicts as a run does: plain facts, and files by their path beside them.

    Attributes:
        recipes: of the runs with models, for what their backbones need beside.
        half: are the weights rounded?
    """

    run: Run
    facts: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    recipes: list[Recipe] = field(default_factory=list)
    half: bool = False
