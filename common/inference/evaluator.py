"""A metric on a target's answers: what scores probs [N, C] against the true answers of the same rows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from common.errors import KitError
from common.metrics import Metric, Probs, RowScores, Scorer
from common.metrics.metric import ratio
from common.targets import Target, Targets

Weights = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Evaluator:
    """Scores probs by a competition's metric.

    Raises:
        KitError: the metric compares answers of a form that the target does not have.
    """

    target: Target
    metric: Metric

    def __post_init__(self) -> None:
        if self.metric.form not in self.target.forms:
            raise KitError(
                f"metric={self.metric.name} compares {self.metric.form}, and a target of kind "
                f"{self.target.kind} has {', '.join(self.target.forms)}: name another metric or target"
            )

    @property
    def name(self) -> str:
        """The metric's name."""
        return self.metric.name

    def scorer(self, probs: Probs, y: Targets) -> Scorer:
        """A function from row weights [N] to the score: sorted and counted once, for many weightings."""
        form = self.metric.form
        return self.metric.prepare(self.target.truth(y, form), self.target.answers(probs, form))

    def score(self, probs: Probs, y: Targets, weights: Weights | None = None) -> float:
        """The score of these rows; nan where the metric has none."""
        form = self.metric.form
        truth, answers = self.target.truth(y, form), self.target.answers(probs, form)
        return self.metric.score(truth, answers, weights)

    def rows(self, probs: Probs, y: Targets) -> RowScores | None:
        """What each row scores [N], where the score is their mean; else None."""
        if self.metric.rows is None:
            return None
        form = self.metric.form
        return self.metric.rows(self.target.truth(y, form), self.target.answers(probs, form))

    def remarks(self, y: Targets) -> list[str]:
        """Sentences on what of these true answers has no score."""
        form = self.metric.form
        return self.metric.remarks(self.target.truth(y, form), self.target.names_in(form))

    def cost(self, probs: Probs, y: Targets, weights: Weights | None = None) -> float:
        """The score with its sign turned so that less is better; infinite where there is none."""
        score = self.score(probs, y, weights)
        return np.inf if np.isnan(score) else -self.metric.gain(score, 0.0)

    def loss(self, probs: Probs, y: Targets, weights: Weights | None = None) -> float:
        """The mean of the target's loss over these rows, by their weights."""
        rows = self.target.row_losses(probs, y)
        if weights is None:
            return float(rows.mean())
        return ratio(float(weights @ rows), float(weights.sum()))
