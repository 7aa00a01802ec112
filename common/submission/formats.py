"""What a row of a submission holds: found from the sample, the target and the metric, once."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from common.errors import KitError
from common.metrics import Metric
from common.progress import first_of
from common.targets import Target
from common.targets.label_set import split_labels


@dataclass(frozen=True, kw_only=True)
class Format:
    """What the cells of a submission are.

    Attributes:
        kind: label, grade, word (one of `names` each); probabilities (a column a class, sums of 1), columns
            (a number each), flags (0 or 1 each), labels (some of `names` in one text), ranked (the likeliest of them).
        names: of the classes, labels or columns.
        lowest, highest: what a number may be; None: anything.
        separator: between labels of one text.
        empty: what stands for no label; None: there is one at least.
        most: labels of a ranked text.
        yes: where the answer is yes or no, what stands for yes; empty: it is not.
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
    yes: str = ""
    long: str = ""

    @property
    def numeric(self) -> bool:
        """Are the cells numbers?"""
        return self.kind in ("probabilities", "columns", "flags")


def format_of(target: Target, metric: Metric, sample: pd.DataFrame, *, long: str = "") -> Format:
    """The format that this sample submission asks for.

    Args:
        target: fitted to the sample.
        metric: ranks need no bounds, probabilities do.
        sample: text; its first column is the id.
        long: the pattern of its ids, where it has a row for each image and column.

    Raises:
        KitError: the sample's columns are not what the target can fill, or its answers not what the
            metric takes.
    """
    columns = list(sample.columns[1:])
    of_labels = "sets" in target.forms and not target.exclusive and len(target.names) > 1
    if metric.one_class and of_labels:
        raise KitError(
            f"{metric.name} takes one true class a row, and with a target of kind {target.kind} any of "
            f"{first_of(target.names)} may be true: name weighted_log_loss, or the target OneClass "
            "where each row has one"
        )
    kind = target.cells(metric.form, by_rank=metric.by_rank, wide=len(columns) > 1)
    if kind in ("columns", "flags", "probabilities"):
        return _numeric(kind, target, metric, columns, long)
    if long or len(columns) > 1:
        raise KitError(
            f"the sample has {'a row for each image and column' if long else first_of(columns)}, and "
            f"{metric.name} takes one answer a row from a target of kind {target.kind}: name another "
            "metric or target"
        )
    if kind == "word":
        return Format(kind=kind, names=target.words, yes=target.words[1])
    more = {"labels": target.label_text, "ranked": {"most": metric.depth}}.get(kind, {})
    form = Format(kind=kind, names=target.names, **more)
    if more:
        _check_joined(form)
    return form


def _check_joined(form: Format) -> None:
    """Raise a KitError when names that are joined in one cell could not be told apart in it."""
    parts = {name: split_labels(name, form.separator) for name in form.names}
    torn = [name for name in form.names if parts[name] != [name]]
    if torn:
        other = ", or name the separator that the sample has, LabelSet(separator=…)"
        raise KitError(
            f"a submission's cell joins labels by {form.separator!r}, where {first_of([*map(repr, torn)])} "
            f"would be read as others: write them as the sample does ({'_'.join(parts[torn[0]])!r} or so) in "
            f"the training table or the competition's reader{other if form.kind == 'labels' else ''}"
        )


def _numeric(kind: str, target: Target, metric: Metric, columns: list[str], long: str) -> Format:
    names = target.names if kind == "probabilities" else target.names_in("columns")
    _check_columns(columns, names, long)
    lowest, highest = (None, None) if kind == "columns" and metric.by_rank else target.bounds
    yes = "1" if kind == "flags" and len(names) == 1 else ""
    return Format(kind=kind, names=names, lowest=lowest, highest=highest, yes=yes, long=long)


def _check_columns(columns: list[str], names: tuple[str, ...], long: str) -> None:
    """Raise a KitError when the sample's columns are not the target's; one column has any name."""
    if not (long or len(columns) == len(names) == 1):
        check_names(columns, names)


def check_names(columns: Sequence[str], names: Sequence[str]) -> None:
    """Raise a KitError that lists the names which only the sample's columns or only the target has."""
    lacking = [name for name in columns if name not in set(names)]
    strange = [name for name in names if name not in set(columns)]
    if lacking or strange:
        raise KitError(
            "the target's names are not the sample's columns: "
            + "; ".join(
                f"{words} {first_of(found)}"
                for words, found in (("none is called", lacking), ("no column is", strange))
                if found
            )
            + "; take the names from the sample's header"
        )
