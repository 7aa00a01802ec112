"""Why a metric that was named does not fit the training answers and the sample."""

import pandas as pd

from common.errors import KitError
from common.metrics import Metric
from common.progress import counted, first_of
from common.scaffold.kinds import Kind
from common.scaffold.samples import Sample
from common.submission import format_of
from common.targets import LabelSet, Target


def why_not(kinds: list[Kind], tables: list[pd.DataFrame], sample: Sample, metric: Metric) -> str:
    """What the likeliest target (but lists of labels) has against a metric, else ''.

    Args:
        tables: the training table as the competition would read it, of each kind.
    """
    found = _likeliest(kinds, tables, sample)
    if found is None or metric.form not in found[0].forms:
        return ""
    target, table = found
    try:
        long = sample.parts[0] if sample.parts else ""
        if format_of(target, metric, sample.rows, long=long).numeric:
            metric.check(target.truth(target.read(table.head(1000)), metric.form))
    except KitError as error:
        return f"{error}{_rows(target, table) if metric.one_class else ''}"
    return ""


def _likeliest(
    kinds: list[Kind], tables: list[pd.DataFrame], sample: Sample
) -> tuple[Target, pd.DataFrame] | None:
    for kind, table in zip(kinds, tables, strict=True):
        if isinstance(kind.target, LabelSet) and not kind.target.wide:
            continue
        try:
            return kind.target.fitted(table, sample.rows, sample.name), table
        except KitError:
            continue
    return None


def _rows(target: Target, table: pd.DataFrame) -> str:
    """The rows that keep columns from being one-hot."""
    odd = target.not_one(table) if isinstance(target, LabelSet) else []
    return f" (it has not in {counted(len(odd), 'row')}: {first_of(odd, 2)})" if odd else ""
