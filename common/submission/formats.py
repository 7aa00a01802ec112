"""What a row of a submission holds: found from the sample, the target and the metric, once."""

from dataclasses import dataclass

import pandas as pd

from common.errors import KitError
from common.metrics import Metric
from common.progress import first_of
from common.targets import Grades, LabelSet, Numbers, OneClass, Target, YesNo


@dataclass(frozen=True, kw_only=True)
class Format:
    """What the cells of a submission are.

    Attributes:
        kind: label, grade (one of `names` each); probabilities (a column a class, sums of 1), columns
            (a number each), labels (some of `names` in one text), ranked (the likeliest of them).
        names: of the classes, labels or columns.
        lowest, highest: what a number may be; None: anything.
        separator: between labels of one text.
        empty: what stands for no label; None: there is one at least.
        most: labels of a ranked text.
        long: for a sample with a row for each image and column: how a row's id is made of both, as
            '{id}_{name}'.
    """

    kind: str
    names: tuple[str, ...]
    lowest: float | None = None
    highest: float | None = None
    separator: str = " "
    empty: str | None = None
    most: int = 0
    long: str = ""

    @property
    def numeric(self) -> bool:
        """Are the cells numbers?"""
        return self.kind in ("probabilities", "columns")


def format_of(target: Target, metric: Metric, sample: pd.DataFrame, *, long: str = "") -> Format:
    """The format that this sample submission asks for.

    Args:
        target: fitted to the sample.
        metric: ranks need no bounds, probabilities do.
        sample: text; its first column is the id.
        long: the pattern of its ids, where it has a row for each image and column.

    Raises:
        KitError: the sample's columns are not what the target can fill.
    """
    columns, names = list(sample.columns[1:]), target.names
    wide = len(columns) > 1
    free = metric.by_rank or isinstance(target, Numbers)
    lowest, highest = (None, None) if free else (0.0, 1.0)
    numeric = isinstance(target, YesNo | Numbers) or bool(long)
    numeric |= isinstance(target, LabelSet) and (wide or metric.form == "columns")
    if numeric or (isinstance(target, OneClass) and wide and metric.by_rank):
        _check_columns(columns, names, long)
        return Format(kind="columns", names=names, lowest=lowest, highest=highest, long=long)
    if isinstance(target, LabelSet):
        separator = target.separator
        return Format(kind="labels", names=names, separator=separator, empty=target.empty)
    if isinstance(target, OneClass) and wide:
        _check_columns(columns, names, long)
        return Format(kind="probabilities", names=names, lowest=0.0, highest=1.0)
    if metric.form == "ranked":
        return Format(kind="ranked", names=names, most=metric.depth)
    return Format(kind="grade" if isinstance(target, Grades) else "label", names=names)


def _check_columns(columns: list[str], names: tuple[str, ...], long: str) -> None:
    """Raise a KitError when the sample's columns are not the target's; one column has any name."""
    if long or (len(columns) == len(names) == 1):
        return
    lacking = [name for name in columns if name not in set(names)]
    strange = [name for name in names if name not in set(columns)]
    if lacking or strange:
        raise KitError(
            "the target's columns are not the sample's: "
            + "; ".join(
                f"{words} {first_of(found)}"
                for words, found in (("no answer is called", lacking), ("no column is", strange))
                if found
            )
            + "; take the names from the sample's header"
        )
