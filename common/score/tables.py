"""Score a submission against a solution: rows joined by id, `Usage` split, weights honoured.

`kit score` and the loopback host both come here, so that they cannot differ.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.errors import KitError
from common.metrics.metric import Metric
from common.progress import counted, first_of
from common.score.cells import NUMBER, stripped
from common.score.forms import Tables, arrays_of
from common.score.reading import Reading, by_image
from common.submission.check import Cells, texts
from common.submission.file import read_file

USAGE = "Usage"
PARTS = ("public", "private", "ignored")
WEIGHTS = ("weight", "sample_weight")
PLAIN = Reading()
Mask = npt.NDArray[np.bool_]
Weights = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """The score of all rows that count, of each part where the solution says which, and remarks."""

    score: float
    public: float | None
    private: float | None
    rows: int
    remarks: list[str]


def read_table(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """The rows of a CSV, packed or not, every value as text; and remarks on how it is packed."""
    rows, _, remarks = read_file(path, pd.DataFrame(columns=["id", "answer"]))
    if len(rows.columns) < 2:
        raise KitError(f"{path} has the one column {rows.columns[0]!r}: it needs ids and answers")
    return rows, remarks


def score_tables(
    metric: Metric,
    solution: pd.DataFrame,
    submission: pd.DataFrame,
    reading: Reading = PLAIN,
) -> Scored:
    """Score text tables, whatever the order of their rows and columns.

    Args:
        metric: it says what the answers are.
        solution: an id and the true answers; optionally `Usage` (Public, Private, Ignored), and a
            column `weight` or `sample_weight` that the submission does not have.
        submission: the same ids, each once, and the answers.
        reading: how cells and ids are read, where that is not plain.

    Raises:
        KitError: the ids differ, or the answers are not what the metric takes.
    """
    key, told_key = _id_columns(solution, submission)
    ids = texts(solution[key])
    order = _joined(ids, texts(submission[told_key]))
    usage = USAGE if USAGE in solution.columns else None
    weight = next(
        (n for n in solution.columns if n.lower() in WEIGHTS and n not in submission.columns), None
    )
    aside = {key, told_key, usage, weight}
    part = _parts(solution, usage, ids)
    counts = part != "ignored"
    tables = Tables(
        _answers(solution, aside, "solution")[counts],
        _answers(submission, aside, "submission").iloc[order[counts]],
        ids[counts],
        reading,
    )
    weights = None if weight is None else _weights(solution[weight], ids)[counts]
    part = part[counts]
    if reading.targets:
        tables, part, weights = _by_image(tables, part, weights)
    arrays = arrays_of(metric, tables)
    remarks = list(arrays.remarks)
    if key != told_key:
        remarks.insert(0, f"the ids are {key!r} of the solution and {told_key!r} of the submission")

    def scored(chosen: Mask, prefix: str) -> float:
        rows = np.flatnonzero(chosen)
        truth = arrays.truth[rows]
        value = metric.score(
            truth, arrays.answers[rows], None if weights is None else weights[rows]
        )
        told = metric.remarks(truth, arrays.names)
        if np.isnan(value) and not told:
            told = [f"{metric.name} is not defined for these rows"]
        remarks.extend(prefix + each for each in told if each not in remarks)
        return value

    whole = scored(np.ones(len(part), dtype=bool), "")
    public, private = (
        (scored(part == name, f"{name} rows: ") if usage else None) for name in PARTS[:2]
    )
    return Scored(whole, public, private, int(counts.sum()), remarks)


def _by_image(
    tables: Tables, part: Cells, weights: Weights | None
) -> tuple[Tables, Cells, Weights | None]:
    """A row for each image and target as a row for each image: tables, part and weights."""
    reading = tables.reading
    found = by_image(tables.ids, reading)
    sides = []
    for table, lacking in ((tables.truth, ""), (tables.told, "0")):
        if len(table.columns) != 1:
            raise KitError(
                f"a row for each image and target has one answer, not {first_of(list(table.columns))}"
            )
        sides.append(found.wide(table.iloc[:, 0], reading.targets, lacking))
    wide = Tables(sides[0], sides[1], found.images, reading)
    rows_weights = None if weights is None else found.of_images(weights, "their weight")
    return wide, found.of_images(part, USAGE), rows_weights


def _id_columns(solution: pd.DataFrame, submission: pd.DataFrame) -> tuple[str, str]:
    """The id column of each: the first, or the one whose name both have."""
    first, told = str(solution.columns[0]), str(submission.columns[0])
    if first in submission.columns:
        return first, first
    return (told, told) if told in solution.columns else (first, told)


def _joined(ids: Cells, told: Cells) -> npt.NDArray[np.int64]:
    """For each id of the solution its row in the submission; KitError unless each is there once."""
    want, have = pd.Index(ids, dtype=object), pd.Index(told, dtype=object)
    for who, index in (("solution", want), ("submission", have)):
        if index.has_duplicates:
            twice = list(dict.fromkeys(index[index.duplicated()]))
            raise KitError(f"the {who} has {counted(len(twice), 'id')} twice: {first_of(twice)}")
    missing, extra = want[~want.isin(have)], have[~have.isin(want)]
    faults = [
        f"{words} {counted(len(names), 'id')}: {first_of(names.tolist())}"
        for words, names in (("lacks", missing), ("has what the solution lacks,", extra))
        if len(names)
    ]
    if faults:
        raise KitError(f"the submission {' and '.join(faults)}")
    return np.asarray(have.get_indexer(want), dtype=np.int64)


def _parts(solution: pd.DataFrame, usage: str | None, ids: Cells) -> Cells:
    """Each row's part in lower case; all rows count where there is no `Usage`."""
    if usage is None:
        return np.full(len(ids), "all", dtype=object)
    found = np.array([cell.lower() for cell in stripped(solution[usage])], dtype=object)
    other = [f"{ids[at]} ({found[at]!r})" for at, each in enumerate(found) if each not in PARTS]
    if other:
        raise KitError(f"{usage} is Public, Private or Ignored, and not so in {first_of(other)}")
    return found


def _answers(table: pd.DataFrame, aside: set[str | None], who: str) -> pd.DataFrame:
    """The columns that hold answers."""
    names = [name for name in table.columns if name not in aside and name != USAGE]
    if not names:
        raise KitError(f"the {who} has no column of answers, only {first_of(list(table.columns))}")
    return table[names]


def _weights(column: "pd.Series[str]", ids: Cells) -> npt.NDArray[np.float64]:
    cells = stripped(column)
    wrong = [
        f"{ids[at]} ({each!r})"
        for at, each in enumerate(cells)
        if not NUMBER.fullmatch(each) or not 0 <= float(each) < np.inf
    ]
    if wrong:
        raise KitError(f"{column.name} is a weight, 0 or above, and not so in {first_of(wrong)}")
    return np.asarray(cells.astype(np.float64))
