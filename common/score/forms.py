"""Two tables of text as the arrays a metric scores: labels, numbers, label sets, ranked labels."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.errors import KitError
from common.metrics.metric import Answers, Form, Metric, Truth
from common.progress import counted, first_of
from common.score.cells import NUMBER, Key, in_order, key_of, numbers, refuse, stripped
from common.score.reading import Reading
from common.submission.check import Cells, nearest

Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Tables:
    """Truth and answers, text, row for row; the ids name the rows to a person."""

    truth: pd.DataFrame
    told: pd.DataFrame
    ids: Cells
    reading: Reading


@dataclass(frozen=True)
class Arrays:
    """What a metric takes, the names of its columns or labels, and what was taken for granted."""

    truth: Truth
    answers: Answers
    names: list[str]
    remarks: list[str] = field(default_factory=list)


def arrays_of(metric: Metric, tables: Tables) -> Arrays:
    """The tables in the metric's form.

    Raises:
        KitError: they do not fit it; the first rows or columns that do not.
    """
    return (_grades if metric.grades else READERS[metric.form])(tables)


def _index(tables: Tables) -> Arrays:
    """A label a row, or several targets; or a column a class, of which the largest is the answer."""
    if _column_a_class(tables):
        hot = _one_hot(tables)
        remark = f"a row's answer is the largest of its {counted(len(hot.names), 'column')}"
        return Arrays(hot.truth.argmax(axis=1), hot.answers.argmax(axis=1), hot.names, [remark])
    truth, told, remarks = _matched(tables)
    if truth.shape[1] == 1:
        return Arrays(*_codes(truth.iloc[:, 0], told.iloc[:, 0], tables.ids), remarks)
    found = [_codes(truth[name], told[name], tables.ids) for name in truth.columns]
    left, right = (np.stack([each[side] for each in found], axis=1) for side in (0, 1))
    return Arrays(left, right, list(truth.columns), remarks)


def _codes(
    truth: "pd.Series[str]", told: "pd.Series[str]", ids: Cells
) -> tuple[Index, Index, list[str]]:
    """The labels of one column as indices, and the labels in their order."""
    sides = [stripped(truth), stripped(told)]
    for side, who in zip(sides, ("solution", "submission"), strict=True):
        refuse(side == "", ids, f"of the {who} without a label")
    key = key_of(sides[0])
    keys = [[key(text) for text in side] for side in sides]
    if not any(isinstance(each, str) for each in keys[0]):
        wrong = [isinstance(each, str) for each in keys[1]]
        refuse(wrong, ids, "whose label is no number, as the solution's are", sides[1])
    names = in_order({*keys[0], *keys[1]})
    place = {name: at for at, name in enumerate(names)}
    left, right = (np.array([place[each] for each in side], dtype=np.int64) for side in keys)
    return left, right, [str(name) for name in names]


def _grades(tables: Tables) -> Arrays:
    """Whole numbers from 0, as they are."""
    truth, told, remarks = _matched(tables)
    sides = []
    for table, who in ((truth, "solution"), (told, "submission")):
        values = numbers(table, tables.ids, who, missing=False)
        wrong = (values != np.floor(values)) | (values < 0) | (values > 2**53)
        cells = stripped(table.iloc[:, 0])
        refuse(wrong.any(axis=1), tables.ids, f"of the {who} whose grade is no whole number", cells)
        sides.append(values.astype(np.int64))
    if truth.shape[1] == 1:
        sides = [side[:, 0] for side in sides]
    names = [str(grade) for grade in np.unique(np.concatenate(sides))]
    return Arrays(sides[0], sides[1], names, remarks)


def _columns(tables: Tables) -> Arrays:
    """Numbers, matched by the columns' names; or one true label, and a column a class or a label."""
    if _column_a_class(tables):
        return _one_hot(tables)
    truth, told, remarks = _matched(tables)
    if truth.shape[1] == 1 and not any(map(NUMBER.fullmatch, stripped(truth.iloc[:, 0]))):
        left, right, names = _codes(truth.iloc[:, 0], told.iloc[:, 0], tables.ids)
        hot = np.eye(len(names))
        remarks.append("a label is scored as the probability 1 of its class")
        return Arrays(hot[left], hot[right], names, remarks)
    return Arrays(
        numbers(truth, tables.ids, "solution", missing=True),
        numbers(told, tables.ids, "submission", missing=False),
        list(truth.columns),
        remarks,
    )


def _column_a_class(tables: Tables) -> bool:
    """Is the truth one label a row, and has the submission a column for some of the labels?"""
    if tables.truth.shape[1] != 1 or tables.told.shape[1] < 2:
        return False
    names = stripped(tables.told.columns)
    key = key_of(names)
    labels = {key(text) for text in set(stripped(tables.truth.iloc[:, 0]))}
    return bool(labels & {key(name) for name in names})


def _one_hot(tables: Tables) -> Arrays:
    """One true label a row as 0 and 1 in the submission's columns."""
    names = stripped(tables.told.columns)
    key = key_of(names)
    place = {key(name): at for at, name in enumerate(names)}
    labels = stripped(tables.truth.iloc[:, 0])
    at = np.array([place.get(key(label), -1) for label in labels], dtype=np.int64)
    refuse(at < 0, tables.ids, "of the solution with a label that no column has", labels)
    told = numbers(tables.told, tables.ids, "submission", missing=False)
    return Arrays(np.eye(len(names))[at], told, names.tolist())


def _sets(tables: Tables) -> Arrays:
    """Labels by spaces, an empty cell being the empty set; or columns of 0 and 1."""
    truth, told, remarks = _matched(tables)
    if truth.shape[1] > 1:
        left = _marks(truth, tables.ids, "solution")
        return Arrays(left, _marks(told, tables.ids, "submission"), list(truth.columns), remarks)
    cells = [stripped(table.iloc[:, 0]) for table in (truth, told)]
    if yes := tables.reading.yes:
        same = key_of(cells[0])
        marks = [np.array([[same(cell) == same(yes)] for cell in side]) for side in cells]
        return Arrays(marks[0], marks[1], [yes], remarks)
    lists = [[tables.reading.labels(cell) for cell in side] for side in cells]
    if tables.reading.separator == " " and any(len(words) > 1 for words in lists[0]):
        remarks.append("spaces part the labels of a cell; where a label has spaces: --one-label")
    key = key_of([word for words in lists[0] for word in words])
    keys = [[[key(word) for word in words] for words in side] for side in lists]
    names = in_order({each for side in keys for words in side for each in words})
    place = {name: at for at, name in enumerate(names)}
    shown = [str(name) for name in names]
    if all(len(words) == 1 for side in keys for words in side):  # no matrix of [N, C] is needed
        one = [np.array([place[words[0]] for words in side], dtype=np.int64) for side in keys]
        return Arrays(one[0], one[1], shown, remarks)
    sets = [np.zeros((len(side), len(names)), dtype=bool) for side in keys]
    for side, mark in zip(keys, sets, strict=True):
        for row, words in enumerate(side):
            mark[row, [place[each] for each in words]] = True
    return Arrays(sets[0], sets[1], shown, remarks)


def _marks(table: pd.DataFrame, ids: Cells, who: str) -> npt.NDArray[np.bool_]:
    """bool [N, C] of cells that are 0 or 1."""
    values = numbers(table, ids, who, missing=False)
    wrong = ((values != 0) & (values != 1)).any(axis=1)
    refuse(wrong, ids, f"of the {who} with a cell that is neither 0 nor 1")
    return np.asarray(values == 1)


def _ranked(tables: Tables) -> Arrays:
    """One true label, and labels by spaces with the best first."""
    truth, told, remarks = _matched(tables)
    if truth.shape[1] > 1:
        raise KitError(f"ranked labels are one column, and there are {truth.shape[1]}")
    labels = stripped(truth.iloc[:, 0])
    reading = tables.reading
    lists = [reading.labels(cell) for cell in stripped(told.iloc[:, 0])]
    spaced = [len(reading.labels(label)) != 1 for label in labels]
    refuse(spaced, tables.ids, "of the solution that have not one label", labels)
    key = key_of(labels)
    place: dict[Key, int] = {}
    right = np.array([place.setdefault(key(each), len(place)) for each in labels], dtype=np.int64)
    answers = np.full((len(lists), max([1, *map(len, lists)])), -1, dtype=np.int64)
    for row, words in enumerate(lists):
        answers[row, : len(words)] = [place.setdefault(key(each), len(place)) for each in words]
    return Arrays(right, answers, [str(each) for each in place], remarks)


READERS: dict[Form, Callable[[Tables], Arrays]] = {
    "index": _index,
    "columns": _columns,
    "sets": _sets,
    "ranked": _ranked,
}


def _matched(tables: Tables) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Truth and answers with the same columns in one order; two single columns may differ in name."""
    truth, told = tables.truth, tables.told
    wanted, have = list(truth.columns), list(told.columns)
    if len(wanted) == 1 == len(have):
        remark = f"column {have[0]!r} of the submission is scored against {wanted[0]!r}"
        return truth, told.set_axis(wanted, axis=1), [] if wanted == have else [remark]
    missing = [repr(name) for name in wanted if name not in have]
    extra = [repr(name) + nearest(name, wanted) for name in have if name not in wanted]
    if missing:
        raise KitError(f"the submission lacks {first_of(missing)}; it has {first_of(have)}")
    if extra:
        raise KitError(f"the submission has {first_of(extra)}, which the solution does not have")
    return truth, told[wanted], []
