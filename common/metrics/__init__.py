"""Scores of answers against the truth: one file a family; `registry` finds one by its name.

The names below are those of `classes`, which goes when its last caller has.
"""

from common.metrics.classes import (
    FLOOR,
    METRICS,
    Metric,
    Probs,
    RowScores,
    Targets,
    accuracy,
    hits,
    log_loss,
    losses,
)

__all__ = [
    "FLOOR",
    "METRICS",
    "Metric",
    "Probs",
    "RowScores",
    "Targets",
    "accuracy",
    "hits",
    "log_loss",
    "losses",
]
