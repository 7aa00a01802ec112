"""Rows of a submission from probs: in the sample's shape and order, joined by id."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.errors import KitError
from common.metrics import Probs
from common.progress import counted, first_of
from common.submission.check import Cells, texts
from common.submission.formats import Format, check_names
from common.targets import Target

# The least probability written: Kaggle's log loss clips here as well.
FLOOR = 1e-15


def label_rows(
    sample: pd.DataFrame, ids: Sequence[str], probs: Probs, classes: Sequence[str]
) -> pd.DataFrame:
    """Answer a sample of two columns (id, label) with the most probable class of each row.

    Args:
        sample: the sample submission; its header, ids and order are kept.
        ids: the ids of the rows of `probs`, in any order.
        probs: probabilities [N, C].
        classes: the C class names, in the order of the columns of `probs`.

    Raises:
        KitError: the ids are not the sample's, or a row of `probs` is no distribution.
    """
    if len(sample.columns) != 2:
        raise KitError(
            f"the sample has {len(sample.columns)} columns, but labels fill two (id and label)"
        )
    chosen = _in_order(sample, ids, probs, classes).argmax(axis=1)
    identity, label = sample.columns
    names = np.asarray(list(classes), dtype=object)
    return pd.DataFrame({identity: texts(sample[identity]), label: names[chosen]}, dtype=str)


def probability_rows(
    sample: pd.DataFrame, ids: Sequence[str], probs: Probs, classes: Sequence[str]
) -> pd.DataFrame:
    """Answer a sample with a column a class; columns are found by name, never by position.

    Each row is normalised, kept off 0 and 1 by 1e-15 and normalised again; float64 columns.

    Args:
        sample: the sample submission; its header, ids and order are kept.
        ids: the ids of the rows of `probs`, in any order.
        probs: probabilities [N, C].
        classes: the C class names, in the order of the columns of `probs`.

    Raises:
        KitError: the ids or the classes are not the sample's, or a row is no distribution.
    """
    identity, *columns = sample.columns
    check_names(columns, classes)
    places = pd.Index(list(classes)).get_indexer(pd.Index(columns))
    rows = np.clip(_in_order(sample, ids, probs, classes)[:, places], FLOOR, 1 - FLOOR)
    rows /= rows.sum(axis=1, keepdims=True)
    answer = pd.DataFrame(rows, columns=columns)
    answer.insert(0, identity, pd.Series(texts(sample[identity]), dtype=str))
    return answer


def rows_of(
    form: Format, target: Target, sample: pd.DataFrame, *, ids: Sequence[str], probs: Probs
) -> pd.DataFrame:
    """The answers of `probs` [N, C] for the sample's rows, in its header, ids and order.

    Raises:
        KitError: the ids are not the sample's, or a row holds no usable number.
    """
    if form.kind == "probabilities":
        return probability_rows(sample, ids, probs, form.names)
    if form.kind == "label":
        return label_rows(sample, ids, probs, form.names)
    if form.long:
        return _long_rows(form, target, sample, ids, probs)
    identity, *columns = sample.columns
    wanted = texts(sample[identity])
    rows = _finite(ids, probs)[_places(ids, wanted)]
    if form.numeric:
        numbers = _numbers(form, target, rows)
        at = [form.names.index(name) for name in columns] if len(columns) > 1 else [0]
        answer = pd.DataFrame(numbers[:, at], columns=columns)
    else:
        text = _TEXTS[form.kind](form, target, rows)
        answer = pd.DataFrame({columns[0]: text}, dtype=str)
    answer.insert(0, identity, pd.Series(wanted, dtype=str))
    return answer


def _long_rows(
    form: Format, target: Target, sample: pd.DataFrame, ids: Sequence[str], probs: Probs
) -> pd.DataFrame:
    """A row for each image and column that the sample asks for: ids as `form.long` makes them."""
    numbers = _numbers(form, target, _finite(ids, probs))
    made = [form.long.format(id=each, name=name) for each in ids for name in form.names]
    identity, column = sample.columns[:2]
    wanted = texts(sample[identity])
    at = pd.Index(made, dtype=object).get_indexer(pd.Index(wanted, dtype=object))
    if (at < 0).any():
        raise KitError(
            f"{counted(int((at < 0).sum()), 'id')} of the sample {first_of(wanted[at < 0].tolist())}: none "
            f"is an image's id and a column's name as {form.long}"
        )
    return pd.DataFrame({identity: pd.Series(wanted, dtype=str), column: numbers.ravel()[at]})


def _numbers(form: Format, target: Target, probs: Probs) -> npt.NDArray[Any]:
    """The numbers of each row's cells [N, K]; 0 and 1 where the metric compares whole answers."""
    if form.kind == "flags":
        return target.answers(probs, "sets").astype(np.int64)
    return target.answers(probs, "columns").astype(np.float64)


def _one_of(form: Format, target: Target, probs: Probs) -> Cells:
    return np.asarray(form.names, dtype=object)[target.answers(probs, "index")]


def _label_lists(form: Format, target: Target, probs: Probs) -> Cells:
    names = np.asarray(form.names, dtype=object)
    sets = target.answers(probs, "sets")
    words = [form.separator.join(names[each]) or (form.empty or "") for each in sets]
    return np.asarray(words, dtype=object)


def _ranked(form: Format, target: Target, probs: Probs) -> Cells:
    names = np.asarray(form.names, dtype=object)
    best = target.answers(probs, "ranked")[:, : form.most]
    return np.asarray([form.separator.join(names[row]) for row in best], dtype=object)


_TEXTS = {"grade": _one_of, "word": _one_of, "labels": _label_lists, "ranked": _ranked}


def _in_order(
    sample: pd.DataFrame, ids: Sequence[str], probs: Probs, classes: Sequence[str]
) -> npt.NDArray[np.float64]:
    """The rows of class probabilities in the sample's order, each normalised to sum to 1."""
    assert probs.shape == (len(ids), len(classes)), (probs.shape, len(ids), len(classes))
    sums = probs.sum(axis=1, dtype=np.float64)
    broken = ~(np.isfinite(sums) & (sums > 0) & (probs >= 0).all(axis=1))
    if broken.any():
        raise KitError(
            f"{counted(int(broken.sum()), 'row')} of probs with no distribution (NaN, negative or all zero): "
            f"{_first(ids, broken)}; predict them again in full precision"
        )
    rows = probs.astype(np.float64) / sums[:, None]
    ordered: npt.NDArray[np.float64] = rows[_places(ids, texts(sample.iloc[:, 0]))]
    return ordered


def _finite(ids: Sequence[str], probs: Probs) -> Probs:
    """The same probs.

    Raises:
        KitError: rows with infinite numbers or nan.
    """
    broken: npt.NDArray[np.bool_] = ~np.asarray(np.isfinite(probs).all(axis=1))
    if broken.any():
        raise KitError(
            f"{counted(int(broken.sum()), 'row')} of predictions with no finite number: "
            f"{_first(ids, broken)}; predict them again in full precision"
        )
    return probs


def _first(ids: Sequence[str], wrong: npt.NDArray[np.bool_]) -> str:
    return first_of(np.asarray([str(name) for name in ids], dtype=object)[wrong].tolist())


def _places(ids: Sequence[str], asked: Cells) -> npt.NDArray[np.intp]:
    """Where in `ids` each id is that the sample asks for.

    Raises:
        KitError: ids twice, without a prediction, or that the sample does not have.
    """
    known = pd.Index([str(name) for name in ids], dtype=object)
    wanted = pd.Index(asked, dtype=object)
    for words, wrong in (
        ("ids were predicted twice", known[known.duplicated()]),
        ("ids of the sample have no prediction", wanted[~wanted.isin(known)]),
        ("predicted ids are not in the sample", known[~known.isin(wanted)]),
    ):
        if len(wrong):
            raise KitError(
                f"{len(wrong):,} {words}: {first_of(wrong.tolist())}; "
                "predict the rows of the test table, each once"
            )
    return known.get_indexer(wanted)


def solution_rows(
    form: Format, target: Target, sample: pd.DataFrame, table: pd.DataFrame
) -> pd.DataFrame:
    """The true answers of a table's rows as a site would keep them: `id`, then the answers, text.

    Args:
        form: of the competition's submissions.
        target: fitted to the competition's files.
        sample: the sample submission.
        table: `id` and the answers, and `weight` where scores count rows by it.
    """
    ids, more = table["id"].tolist(), {n: table[n].tolist() for n in ("weight",) if n in table}
    if target.named or not form.numeric:
        column = sample.columns[1] if len(sample.columns) == 2 else "label"
        return pd.DataFrame({"id": ids, column: target.submitted(table), **more}, dtype=str)
    cells = target.truth(target.read(table), "columns")
    texts = np.where(np.isnan(cells), "", cells.astype(str))
    if form.long:
        made = [form.long.format(id=each, name=name) for each in ids for name in form.names]
        more = {name: np.repeat(values, len(form.names)).tolist() for name, values in more.items()}
        return pd.DataFrame({"id": made, sample.columns[1]: texts.ravel(), **more}, dtype=str)
    names = [sample.columns[1]] if len(form.names) == 1 else list(form.names)
    return pd.DataFrame(
        {"id": ids, **dict(zip(names, texts.T.tolist(), strict=True)), **more}, dtype=str
    )
