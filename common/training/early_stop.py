"""Early stopping: the best epoch's weights, and how long ago that was."""

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from common.training.checkpoint import copied
from common.training.context import Setting


@dataclass
class Best:
    """Early stopping's memory: the best score, its weights, epochs since."""

    score: float
    waited: int
    weights: dict[str, Tensor] | None

    @classmethod
    def of(cls, state: dict[str, Any] | None) -> "Best":
        """From the resume state, or afresh."""
        return cls(**state["best"]) if state else cls(math.nan, 0, None)

    def see(self, score: float, setting: Setting, model: nn.Module) -> None:
        """Note an epoch's score; its weights are kept only if the recipe may stop early."""
        if setting.metric.better(score, self.score):
            self.score, self.waited = score, 0
            self.weights = copied(model) if setting.recipe.early_stop else None
        else:
            self.waited += 1

    def state(self) -> dict[str, Any]:
        """What a resumed job needs of it."""
        return {"best": {"score": self.score, "waited": self.waited, "weights": self.weights}}
