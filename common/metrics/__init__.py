"""Scores of answers against the truth: one file a family; `metric_named` finds one by its name."""

import numpy as np
import numpy.typing as npt

from common.metrics.metric import Form, Metric, RowScores, Scorer, Weights
from common.metrics.probability import FLOOR
from common.metrics.registry import NAMES, metric_named

Probs = npt.NDArray[np.float32]

__all__ = [
    "FLOOR",
    "NAMES",
    "Form",
    "Metric",
    "Probs",
    "RowScores",
    "Scorer",
    "Weights",
    "metric_named",
]
