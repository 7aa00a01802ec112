"""A submission and the sample to what is wrong: header, ids, labels, probabilities; one sentence each.

The sample submission gives header, ids and order; the competition's `Format` what cells hold.
"""

from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.progress import counted, first_of
from common.submission.formats import Format

Mask = npt.NDArray[np.bool_]
Cells = npt.NDArray[np.object_]

SUM_TOLERANCE = 1e-3
# Suggestions are searched among so many names only: difflib is slow.
NAMES_COMPARED = 1000


def validate(submission: pd.DataFrame, sample: pd.DataFrame, form: Format) -> list[str]:
    """A submission to all differences from the sample, order included, as sentences.

    The kit's own files must have none: no problems and no remarks.
    """
    problems, remarks = problems_and_remarks(submission, sample, form)
    return problems + remarks


def problems_and_remarks(
    submission: pd.DataFrame, sample: pd.DataFrame, form: Format
) -> tuple[list[str], list[str]]:
    """A submission to what Kaggle rejects (problems), and differences that it accepts (remarks).

    Kaggle joins rows by id and columns by name, so their order is a remark; its log loss divides
    each row by its sum.

    Args:
        submission: its rows, as text read from a file or as numbers.
        sample: the sample submission; its first column is the id, its order the order wanted.
        form: what its cells are; a sample alone does not tell, for it may hold one class in all rows.

    Returns:
        Problems and remarks, one sentence each, the first rows named and the rest counted.
    """
    header, wanted = list(submission.columns), list(sample.columns)
    problems, remarks = _header(header, wanted)
    if len(submission) != len(sample):
        problems.append(f"there are {len(submission):,} rows, but the sample has {len(sample):,}")
    if len(set(header)) != len(header) or wanted[0] not in header:
        return problems, remarks  # without an id column nothing below can name its rows
    ids = texts(submission[wanted[0]])
    wrong, shuffled = _ids(ids, texts(sample[wanted[0]]), wanted[0])
    problems, remarks = problems + wrong, remarks + shuffled
    answers = [name for name in wanted[1:] if name in header]
    if form.numeric and answers:
        whole = len(answers) == len(wanted) - 1 and form.kind == "probabilities"
        wrong, sums = _numbers(submission[answers], ids, form, whole=whole)
        problems, remarks = problems + wrong, remarks + sums
    else:
        kinds = {"labels": _label_lists, "ranked": _label_lists}
        for name in answers:
            problems += kinds.get(form.kind, _labels)(submission[name], ids, form)
    return problems, remarks


def texts(column: "pd.Series[str]") -> Cells:
    """A column as Python text, '' where a cell is missing: 007 and 12e4567 stay what they are."""
    return np.where(column.isna(), "", column.astype(str).to_numpy(dtype=object))


def nearest(name: str, known: Sequence[str]) -> str:
    """A name to " (did you mean 'x'?)" for the most similar known name, or ''."""
    folded = {other.strip().lower(): other for other in known[:NAMES_COMPARED]}
    found = get_close_matches(name.strip().lower(), list(folded), n=1, cutoff=0.6)
    return f" (did you mean {folded[found[0]]!r}?)" if found else ""


def _header(header: list[str], wanted: list[str]) -> tuple[list[str], list[str]]:
    """Problems of the header, and a remark on the order of its columns."""
    if header == wanted:
        return [], []
    names = [str(name) for name in header]
    missing = [name for name in wanted if name not in names]
    extra = [name for name in names if name not in wanted]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems = []
    if missing:
        problems.append(f"the header lacks {first_of([repr(name) for name in missing])}")
    if extra:
        shown = [f"{name!r}{nearest(name, missing)}" for name in extra]
        problems.append(f"the header has {first_of(shown)}, which the sample does not have")
    if twice:
        problems.append(f"the header has {first_of([repr(name) for name in twice])} twice")
    if problems:
        return problems, []
    place = next(place for place, name in enumerate(names) if name != wanted[place])
    return [], [
        f"the columns are in another order than the sample's: column {place + 1} is {names[place]!r} "
        f"and should be {wanted[place]!r}"
    ]


def _ids(ids: Cells, wanted: Cells, column: str) -> tuple[list[str], list[str]]:
    """Problems of the ids, and a remark on the order of the rows."""
    have, want = pd.Index(ids, dtype=object), pd.Index(wanted, dtype=object)
    empty = ids == ""
    missing = wanted[~want.isin(have)]
    extra = ids[~have.isin(want) & ~empty]
    twice = pd.unique(ids[have.duplicated() & ~empty])
    problems = []
    if empty.any():
        rows = [str(row + 1) for row in np.flatnonzero(empty)]
        problems.append(
            f"column {column!r} is empty in {counted(len(rows), 'row')}: row {first_of(rows)}"
        )
    if len(missing):
        problems.append(f"{_are(len(missing), 'id')} missing: {first_of(missing.tolist())}")
    if len(extra):
        shown = first_of([extra[0] + _twin(extra[0], missing), *extra[1:]])
        problems.append(f"{_are(len(extra), 'id')} not in the sample: {shown}")
    if len(twice):
        problems.append(
            f"{_are(len(twice), 'id')} there more than once: {first_of(twice.tolist())}"
        )
    if problems or len(ids) != len(wanted) or not (ids != wanted).any():
        return problems, []
    row = int(np.flatnonzero(ids != wanted)[0])
    return [], [
        f"the rows are in another order than the sample's: row {row + 1} is {ids[row]} and "
        f"should be {wanted[row]}"
    ]


def _twin(name: str, missing: Cells) -> str:
    """A hint at the id that was meant, most often one that was parsed as a number."""
    number = pd.to_numeric(pd.Series([name, *missing]), errors="coerce").to_numpy(dtype=float)
    equal = missing[number[1:] == number[0]]
    if len(equal):
        return f" (the sample has {equal[0]}: read ids as text, dtype=str)"
    return nearest(name, missing.tolist())


def _labels(column: "pd.Series[str]", ids: Cells, form: Format) -> list[str]:
    labels, classes = texts(column), form.names
    empty = labels == ""
    unknown = ~pd.Index(labels, dtype=object).isin(list(classes)) & ~empty
    problems = _offenders(empty, ids, f"an empty {column.name!r}")
    if unknown.any():
        names = pd.unique(labels[unknown])
        shown = [repr(name) + nearest(name, classes) for name in names[:5]]
        what = "a grade off the scale" if form.kind == "grade" else "a label that no class has"
        problems.append(
            f"{counted(int(unknown.sum()), 'row')} with {what}: "
            f"{first_of([*shown, *names[5:]])}; first at {first_of(ids[unknown].tolist())}"
        )
    return problems


def _label_lists(column: "pd.Series[str]", ids: Cells, form: Format) -> list[str]:
    """Problems of labels in one text: unknown ones, one twice, none where one is wanted, too many."""
    known, lists = set(form.names), [_words(text, form) for text in texts(column)]
    unknown = [next((name for name in row if name not in known), "") for row in lists]
    problems = []
    bad = np.array([name != "" for name in unknown])
    if bad.any():
        name = unknown[int(bad.argmax())]
        example = f" ({name!r}{nearest(name, form.names)})"
        problems += _offenders(bad, ids, "a label that is not one of the competition's", example)
    twice = np.array([len(set(row)) < len(row) for row in lists])
    problems += _offenders(twice, ids, "a label named twice")
    none = np.array([not row for row in lists])
    if form.empty is None:
        problems += _offenders(none, ids, f"no label in {column.name!r}")
    if form.most:
        many = np.array([len(row) > form.most for row in lists])
        problems += _offenders(many, ids, f"more than {form.most} labels")
    return problems


def _words(text: str, form: Format) -> list[str]:
    if form.empty is not None and text.strip() == form.empty.strip():
        return []
    return [word for word in text.split(form.separator) if word.strip()]


def _numbers(
    frame: pd.DataFrame, ids: Cells, form: Format, *, whole: bool
) -> tuple[list[str], list[str]]:
    """Problems of the values, and a remark on their sums."""
    columns = [str(name) for name in frame.columns]
    values = np.empty(frame.shape)
    empty = np.empty(frame.shape, dtype=bool)
    for place, name in enumerate(frame.columns):  # by column: a frame this wide is slow by row
        column = frame[name]
        values[:, place] = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
        # A cell that is a number is not empty, so most columns need no second look.
        lost = np.isnan(values[:, place])
        empty[:, place] = lost & (texts(column) == "") if lost.any() else False
    cells = frame.to_numpy(dtype=object) if np.isnan(values).any() else values
    numbers = ~np.isnan(values)

    def at(bad: Mask, what: str) -> list[str]:
        hit: Mask = np.asarray(bad.any(axis=1))
        if not hit.any():
            return []
        row = int(hit.argmax())
        place = int(bad[row].argmax())
        example = f" (column {columns[place]!r} holds {cells[row, place]})"
        return _offenders(hit, ids, what, "" if empty[row, place] else example)

    problems = at(empty, "an empty cell")
    problems += at(~numbers & ~empty, "a cell that is not a number")
    with np.errstate(invalid="ignore"):
        if form.lowest is not None:
            low = "a negative value" if form.lowest == 0 else f"a value below {form.lowest:g}"
            problems += at(numbers & (values < form.lowest), low)
        if form.highest is not None:
            problems += at(numbers & (values > form.highest), f"a value above {form.highest:g}")
        problems += at(numbers & np.isinf(values) & (form.highest is None), "an infinite value")
    sums = values.sum(axis=1)
    # A sum is worth a sentence only where its row has no other fault.
    sound = (numbers & (values >= 0) & (values <= 1)).all(axis=1)
    wrong: Mask = np.asarray(sound & (np.abs(sums - 1) > SUM_TOLERANCE))
    if not whole or not wrong.any():
        return problems, []
    example = f" (it sums to {sums[wrong][0]:.6g})"
    told = _offenders(wrong, ids, "values that do not sum to 1", example)
    return (problems + told, []) if (sums[wrong] == 0).any() else (problems, told)


def _offenders(bad: Mask, ids: Cells, what: str, example: str = "") -> list[str]:
    """A mask over rows to '2 rows with an empty cell: a, b'; `example` describes the first."""
    if not bad.any():
        return []
    names = ids[bad].tolist()
    return [
        f"{counted(len(names), 'row')} with {what}: {first_of([names[0] + example, *names[1:]])}"
    ]


def _are(count: int, noun: str) -> str:
    return f"{counted(count, noun)} {'is' if count == 1 else 'are'}"
