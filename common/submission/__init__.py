"""Probs to a submission in the sample's columns and order, joined by id, validated, then written."""

from pathlib import Path

import numpy as np
import pandas as pd

from common.data.table import read_csv
from common.errors import KitError
from common.storage import replacing
from common.submission.check import problems_and_remarks, validate
from common.submission.formats import Format, format_of
from common.submission.writers import label_rows, probability_rows, rows_of, solution_rows

__all__ = [
    "Format",
    "format_of",
    "label_rows",
    "probability_rows",
    "problems_and_remarks",
    "read_csv",
    "rows_of",
    "solution_rows",
    "validate",
    "write",
]

# Nine digits round-trip a float32; 1,000 such probabilities sum to 1 within 1e-6.
FLOAT_FORMAT = "%.9g"


def write(path: Path, submission: pd.DataFrame, sample: pd.DataFrame, form: Format) -> None:
    """Validate a submission, write it atomically, and validate what was written.

    Raises:
        KitError: `validate` finds problems (all of them are named), or `path` cannot be written.
    """
    assert path.suffix == ".csv", path  # pandas decompresses by suffix
    _refuse(path, validate(submission, sample, form))
    with replacing(path) as temporary:
        _to_csv(submission, temporary)
        # Read back under its temporary name: a file that fails never takes the place of a good one.
        if len(submission):  # of a sample without rows there is a header, and nothing to read back
            _refuse(path, validate(read_csv(temporary), sample, form))


def _to_csv(submission: pd.DataFrame, path: Path) -> None:
    """The file that pandas writes with this format of floats, a row of them at once: nearly four times as fast."""
    named, numbers = submission.iloc[:, :1], submission.iloc[:, 1:]
    floats = all(kind == np.float64 for kind in numbers.dtypes) and len(numbers.columns) > 0
    if not floats or numbers.isna().any(axis=None) or (named == "").any(axis=None):
        submission.to_csv(
            path, index=False, lineterminator="\n", float_format=FLOAT_FORMAT, encoding="utf-8"
        )
        return
    header, ids = (
        each.to_csv(index=False, header=shown, lineterminator="\0\n")
        for each, shown in ((submission.head(0), True), (named, False))
    )
    row = ("," + FLOAT_FORMAT) * numbers.shape[1] + "\n"
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(header.replace("\0\n", "\n"))
        cells = map(tuple, numbers.to_numpy().tolist())
        for name, each in zip(ids.split("\0\n"), cells, strict=False):
            file.write(name + row % each)


def _refuse(path: Path, problems: list[str]) -> None:
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise KitError(f"{path} was not written, the submission is not the sample's:\n{listed}")
