"""Early stopping: tracks the best held-out score, its weights and the epochs since."""

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from common.training.checkpoint import cpu_copy
from common.training.run_context import RunContext


@dataclass
class EarlyStopping:
    """The best held-out `score`, its `weights`, and `waited`: epochs without improvement."""

    score: float
    waited: int
    weights: dict[str, Tensor] | None

    @classmethod
    def from_state(cls, state: dict[str, Any] | None) -> "EarlyStopping":
        """Restore from a resume checkpoint, or start empty from None."""
        return cls(**state["best"]) if state else cls(math.nan, 0, None)

    def update(self, score: float, context: RunContext, model: nn.Module) -> None:
        """Record an epoch's score; the weights are copied only when `early_stop` is on."""
        if context.evaluator.metric.better(score, self.score):
            self.score, self.waited = score, 0
            self.weights = cpu_copy(model) if context.recipe.early_stop else None
        else:
            self.waited += 1

    def state(self) -> dict[str, Any]:
        """The entries that it adds to the resume checkpoint."""
        return {"best": {"score": self.score, "waited": self.waited, "weights": self.weights}}
