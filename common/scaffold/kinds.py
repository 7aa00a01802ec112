"""Training answers and a sample's cells to the targets that fit, and the metrics of each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from common.errors import KitError
from common.inference.evaluator import Evaluator
from common.metrics import NAMES, Metric, metric_named
from common.metrics.regression import REGRESSION
from common.progress import counted, first_of
from common.scaffold.samples import Sample
from common.scaffold.values import numbers_of, separator_of, tokens_of
from common.submission import Format, format_of, problems_and_remarks
from common.targets import Grades, LabelSet, Numbers, OneClass, Target, YesNo

HEAD = 200  # rows of the sample whose cells are tried
OF_NUMBERS = (*(metric.name for metric in REGRESSION), "r2")
MOST_GRADES = 20
OPEN = re.compile(r"(^|[\W_])(new|unknown|unk|others?|none|unseen)([\W_]|$)", re.IGNORECASE)
FLAGS = {"0", "1", "0.0", "1.0"}
BESIDE_FLAGS = {"", "-1", "-1.0", "nan"}  # unsure, or not looked at
YES_NO = {"0", "1", "0.0", "1.0", "yes", "no", "true", "false"}


@dataclass(frozen=True)
class Kind:
    """A target that the answers may be.

    Attributes:
        target: as the competition declares it.
        why: what of the answers says so.
        one_hot: the table has a column of 0 and 1 for each class, of which one is 1.
        doubt: what of it is a guess, a sentence; '' for nothing.
    """

    target: Target
    why: str
    one_hot: bool = False
    doubt: str = ""


def kinds_of(rows: pd.DataFrame, answers: tuple[str, ...], sample: Sample, yes: str) -> list[Kind]:
    """The targets that columns of answers may be, the likeliest first.

    Raises:
        KitError: they are none that the kit knows.
    """
    if len(answers) > 1:
        return _of_columns(rows[list(answers)], answers, long=sample.parts is not None)
    return [*_of_column(rows[answers[0]], sample, yes)]


def _of_columns(cells: pd.DataFrame, names: tuple[str, ...], *, long: bool) -> list[Kind]:
    flags = cells.isin(FLAGS)
    if flags.all(axis=None):
        ones = cells.isin({"1", "1.0"}).sum(axis=1)
        if (ones == 1).all() and not long:
            why = f"exactly one of {counted(len(names), 'column')} is 1 in each row"
            return [Kind(OneClass(names=names), why, one_hot=True)]
        why = f"{counted(len(names), 'column')} of 0 and 1, {ones.min()} to {ones.max()} of them 1 in a row"
        return [Kind(LabelSet(names=names, wide=True), why)]
    if cells.isin(FLAGS | BESIDE_FLAGS).all(axis=None):
        others = sorted({*cells.to_numpy().ravel()} - FLAGS)
        raise KitError(
            f"the columns {first_of(names)} hold {first_of([*map(repr, others)])} beside 0 and 1: decide "
            "for one of the two in a table of your own, and name that (--train FILE)"
        )
    wrong = [name for name in names if numbers_of(cells[name]) is None]
    if wrong:
        raise KitError(
            f"the columns {first_of(wrong)} hold texts ({first_of(cells[wrong[0]].unique().tolist(), 3)}), and "
            "the sample has a column for each: several answers of classes a row are no target of the kit"
        )
    return [Kind(Numbers(names=names), f"{counted(len(names), 'column')} of numbers")]


def _of_column(column: "pd.Series[str]", sample: Sample, yes: str) -> Iterator[Kind]:
    values = sorted(column.unique())
    shown = f"{counted(len(values), 'value')} ({first_of(values)})"
    cells = [] if sample.names else sample.rows[sample.answers[0]].head(HEAD).unique().tolist()
    mark = separator_of(column)
    if mark or (separator_of(pd.Series(cells, dtype=str)) and not _is_ranked(cells, values)):
        empty = "" if "" in values else None
        labels = (
            f"{counted(len(tokens_of(column)), 'label')} ({first_of(sorted(tokens_of(column)))})"
        )
        yield Kind(
            LabelSet(names=sample.names, separator=mark or " ", empty=empty),
            f"cells are lists of {labels}, {'some' if empty == '' else 'none'} empty",
        )
    numbers = numbers_of(column)
    if {each.lower() for each in values} <= YES_NO and not sample.names:
        yield Kind(YesNo(), f"the answers are {' and '.join(values)}")
    elif len(values) == 2 and not sample.names and not {*cells} & {*values} and _numeric(cells):
        yield _two_words(values, sample, yes)
    elif "" not in values:
        yield Kind(OneClass(unknown=_unknown(values, cells)), f"one label a row, {shown}")
        if (
            sample.parts is None
            and numbers is not None
            and (numbers % 1 == 0).all()
            and len(values) <= MOST_GRADES
        ):
            yield Kind(
                Grades(lowest=int(numbers.min()), highest=int(numbers.max())),
                f"whole numbers, {shown}",
            )
    if numbers is not None and not sample.names and len(values) > 2:
        lacking = "" in values
        yield Kind(
            Numbers(names=(str(column.name),)),
            f"numbers from {numbers.min():g} to {numbers.max():g}{', some missing' if lacking else ''}",
        )


def _two_words(values: list[str], sample: Sample, yes: str) -> Kind:
    """Two words where the sample has numbers: the chance of which?"""
    if yes and yes not in values:
        raise KitError(f"--yes {yes}: the labels are {' and '.join(values)}")
    same = [value for value in values if value.casefold() == sample.answers[0].casefold()]
    word = yes or (same or values)[-1]
    doubt = (
        f"of which label {sample.answers[0]!r} of {sample.name} is the probability: {word!r}, the last of "
        f"{' and '.join(values)}, is a guess (--yes {values[0]} otherwise)"
    )
    return Kind(
        YesNo(yes=word), f"two labels, {' and '.join(values)}, and the sample has numbers",
        doubt="" if yes or same else doubt,
    )  # fmt: skip


def _is_ranked(cells: list[str], values: list[str]) -> bool:
    """Are the sample's cells several of the labels, the likeliest first?"""
    return all(" " not in each for each in values) and any(" " in each for each in cells)


def _numeric(cells: list[str]) -> bool:
    return numbers_of(pd.Series(cells, dtype=str)) is not None


def _unknown(values: list[str], cells: list[str]) -> str:
    """The label of images that are of no class: called so, in a sample of several labels a cell."""
    if not _is_ranked(cells, values):
        return ""
    told = {name for cell in cells for name in cell.split()}
    return next((name for name in sorted(told) if OPEN.search(name)), "")


Fit = tuple[Kind, Target, Format]


def fitting(
    kinds: list[Kind], tables: list[pd.DataFrame], sample: Sample, more: str = ""
) -> tuple[dict[str, Fit], dict[str, Fit]]:
    """Every metric with what it makes of the answers and the sample.

    Args:
        tables: the training table as the competition would read it, of each kind.
        more: a metric to be tried beside those that have a name without parameters.

    Returns:
        Those under which the sample is itself a submission, and those under which its cells are none:
        they may be placeholders.
    """
    head, long = sample.rows.head(HEAD), sample.parts[0] if sample.parts else ""
    fitted = [
        (kind, _fitted(kind, table, sample)) for kind, table in zip(kinds, tables, strict=True)
    ]
    found: dict[str, Fit] = {}
    strange: dict[str, Fit] = {}
    plain = [name for name in NAMES if not name.startswith("f2_")]  # f1_… stands for any beta
    for metric in map(metric_named, dict.fromkeys([*plain, *([more] if more else [])])):
        for kind, target in sorted(fitted, key=lambda each: _is_far(each[0], metric)):
            form = target and _format(target, metric, sample.rows, long)
            if target and form:
                wrong = problems_and_remarks(head, head, form)[0]
                (strange if wrong else found).setdefault(metric.name, (kind, target, form))
    return found, {name: fit for name, fit in strange.items() if name not in found}


def _is_far(kind: Kind, metric: Metric) -> bool:
    """Is a kind not the first choice for a metric? Grades are, where their distance counts."""
    return isinstance(kind.target, Grades) != metric.grades


def _fitted(kind: Kind, table: pd.DataFrame, sample: Sample) -> Target | None:
    try:
        return kind.target.fitted(table, sample.rows, sample.name)
    except KitError:
        return None


def _format(target: Target, metric: Metric, sample: pd.DataFrame, long: str) -> Format | None:
    """The format of a target's submissions; None where a metric says nothing of such answers."""
    of_numbers = metric.name.partition(":")[0] in OF_NUMBERS
    graded = isinstance(target, Grades) and (of_numbers or metric.form == "index")
    if metric.grades and not graded:
        return None
    if not graded and (isinstance(target, Grades) or of_numbers != isinstance(target, Numbers)):
        return None
    try:
        Evaluator(target, metric)
        form = format_of(target, metric, sample, long=long)
    except KitError:
        return None
    scores = form.kind == "probabilities" or (
        form.kind == "flags" and not sample.head(HEAD).iloc[:, 1:].isin(FLAGS).all(axis=None)
    )
    of_scores = metric.form == "columns"
    return None if (scores and not of_scores) or (form.kind == "label" and of_scores) else form
