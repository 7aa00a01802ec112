"""Every metric by its name; numbers after a colon are its parameters."""

import re
from collections.abc import Callable
from difflib import get_close_matches
from functools import cache
from math import isfinite

from common.errors import KitError
from common.metrics.agreement import AGREEMENT, macro_recall
from common.metrics.metric import Metric
from common.metrics.overlap import OVERLAP, f_beta
from common.metrics.probability import PROBABILITY, balanced_log_loss, weighted_log_loss
from common.metrics.ranking import RANKING, mean_column_auc, partial_auc
from common.metrics.regression import REGRESSION, r2
from common.metrics.retrieval import RETRIEVAL, map_at

PLAIN = {
    metric.name: metric
    for family in (AGREEMENT, OVERLAP, PROBABILITY, RANKING, REGRESSION, RETRIEVAL)
    for metric in family
}
# A weight for each column may follow the colon.
WEIGHTED: dict[str, Callable[..., Metric]] = {
    "balanced_log_loss": balanced_log_loss,
    "macro_recall": macro_recall,
    "mean_column_auc": mean_column_auc,
    "r2": r2,
    "weighted_log_loss": weighted_log_loss,
}
NAMES = (
    *sorted(
        [*PLAIN, *WEIGHTED, "partial_auc:0.8", "map5"]
        + [f"{f}_{average}" for f in ("f1", "f2") for average in ("macro", "micro", "rows")]
    ),
)
F_BETA = re.compile(r"f(\d+(?:\.\d+)?)_(macro|micro|rows)")
MAP_AT = re.compile(r"map(\d+)")


@cache
def metric_named(name: str) -> Metric:
    """The metric of a name such as `auc`, `f0.5_micro`, `map3`, `partial_auc:0.8` or `r2:0.1,0.9`.

    Raises:
        KitError: there is none, or its parameters do not fit it; the nearest name.
    """
    word, colon, behind = name.partition(":")
    if found := F_BETA.fullmatch(name):
        return f_beta(name, float(found[1]), found[2])
    if found := MAP_AT.fullmatch(name):
        return map_at(name, int(found[1]))
    if word == "partial_auc":
        given = _numbers(name, behind) if colon else []
        if len(given) != 1:
            raise KitError("partial_auc takes the true positive rate it begins at: partial_auc:0.8")
        return partial_auc(name, *given)
    if word in WEIGHTED:
        return WEIGHTED[word](name, *(_weights(name, behind) if colon else []))
    if word not in PLAIN:
        near = get_close_matches(word.lower().replace("-", "_"), NAMES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(NAMES)}"
        raise KitError(f"there is no metric {name!r}: {hint}")
    if colon:
        raise KitError(f"{word} takes no parameters, and {name!r} gives it {behind!r}")
    return PLAIN[word]


def _numbers(name: str, text: str) -> list[float]:
    try:
        found = [float(word) for word in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(map(isfinite, found)):
        raise KitError(f"{name}: numbers follow the colon, as in {name.partition(':')[0]}:0.2,0.8")
    return found


def _weights(name: str, text: str) -> list[float]:
    found = _numbers(name, text)
    if min(found) < 0 or not any(found):
        raise KitError(f"{name}: weights are 0 or above, and not all of them 0")
    return found
