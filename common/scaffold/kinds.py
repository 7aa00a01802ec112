"""Training answers and a sample's cells to the targets that fit, and the metrics of each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd

from common.errors import KitError
from common.progress import counted, first_of
from common.scaffold.lists import MARKS, as_written, like_names, mark_of, split, tokens_of
from common.scaffold.samples import Sample
from common.scaffold.values import numbers_of
from common.targets import Grades, LabelSet, Numbers, OneClass, Target, YesNo

HEAD = 200  # rows of the sample whose cells are tried
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
        either: a cell that may be one label or a list, which is a guess where a metric takes both.
    """

    target: Target
    why: str
    one_hot: bool = False
    doubt: str = ""
    either: str = ""


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
    lists, names = _lists(column, cells, sample)
    if lists and not names:
        yield lists
    numbers = numbers_of(column)
    if {each.lower() for each in values} <= YES_NO and not sample.names:
        yield Kind(YesNo(), f"the answers are {' and '.join(values)}")
    elif len(values) == 2 and not sample.names and not {*cells} & {*values} and _numeric(cells):
        yield _two_words(values, sample, yes)
    elif "" not in values and len(values) < len(column):
        one = Kind(OneClass(unknown=_unknown(values, cells)), f"one label a row, {shown}")
        yield replace(one, either=lists.either) if lists else one
        if names and lists:
            yield lists
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


def _lists(column: "pd.Series[str]", cells: list[str], sample: Sample) -> tuple[Kind | None, bool]:
    """Cells as lists of labels, None where they are none; and whether they rather are names."""
    values = sorted({*column} - {""})
    bracketed = all(value.startswith("[") and value.endswith("]") for value in values)
    if bracketed and any(re.search(r"[,;|]|['\"]\s+['\"]", value) for value in values):
        raise KitError(
            f"{column.name} holds labels in brackets ({values[0]!r}), which the kit neither reads nor writes: write "
            "the labels with commas between them, in tables of your own for training and as a sample (--train "
            "FILE --sample FILE), and put the brackets into a copy of submission.csv that you upload on the site"
        )
    mark = mark_of(column)
    if not mark and not _is_ranked(cells, values):
        mark = mark_of(pd.Series(cells, dtype=str))
    if not mark:
        return None, False
    labels = sorted(tokens_of(column))
    empty = "" if "" in {*column} else None
    combined = any(cell not in values and {*split(cell, mark)} <= {*labels} for cell in cells)
    _check_alike(labels, mark, cells, sample)
    sure = empty == "" or combined or not mark_of(column)
    doubtful, names = (False, False) if sure else like_names(values, mark)
    shown = next((value for value in values if len(split(value, mark)) > 1), "")
    target = LabelSet(names=sample.names, separator=as_written(mark, cells, values), empty=empty)
    some = "some" if empty == "" else "none"
    why = f"cells are lists of {counted(len(labels), 'label')} ({first_of(labels)}), {some} empty"
    return Kind(target, why, either=shown if doubtful else ""), names


def _check_alike(labels: list[str], mark: str, cells: list[str], sample: Sample) -> None:
    """Check that the sample's lists are not separated by another mark than the training labels."""
    for cell in {*cells} - {*labels}:
        words = next((w for m in MARKS if len(w := split(cell, m)) > 1 and {*w} <= {*labels}), [])
        if words and split(cell, mark) != words:
            raise KitError(
                f"{sample.name} has lists as {cell!r}, and the training labels are separated by {mark!r}: "
                "write them as the sample has it in a table of your own, and name that (--train FILE)"
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
