"""Probs to a submission in the sample's columns and order, joined by id, validated, then written."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.data.table import read_csv
from common.errors import KitError
from common.metrics import Probs
from common.progress import counted, first_of
from common.storage import replacing
from common.submission_check import texts, validate

__all__ = ["label_rows", "probability_rows", "read_csv", "validate", "write"]

# The least probability written: Kaggle's log loss clips here as well.
FLOOR = 1e-15
# Nine digits round-trip a float32; 1,000 such probabilities sum to 1 within 1e-6.
FLOAT_FORMAT = "%.9g"


def label_rows(
    sample: pd.DataFrame, ids: Sequence[str], probs: Probs, classes: Sequence[str]
) -> pd.DataFrame:
    """Probs to a submission of two columns (id, label): the most probable class of each row.

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
            f"the sample has {len(sample.columns)} columns, but labels fill two (id and label); "
            "name probability_rows as the competition's writer"
        )
    chosen = _in_order(sample, ids, probs, classes).argmax(axis=1)
    identity, label = sample.columns
    names = np.asarray(list(classes), dtype=object)
    return pd.DataFrame({identity: texts(sample[identity]), label: names[chosen]}, dtype=str)


def probability_rows(
    sample: pd.DataFrame, ids: Sequence[str], probs: Probs, classes: Sequence[str]
) -> pd.DataFrame:
    """Probs to a submission with a column a class, matched by name.

    Each row is normalised, clipped to [1e-15, 1 - 1e-15] and normalised again; float64 columns.

    Args:
        sample: the sample submission; its header, ids and order are kept.
        ids: the ids of the rows of `probs`, in any order.
        probs: probabilities [N, C].
        classes: the C class names, in the order of the columns of `probs`.

    Raises:
        KitError: the ids or the classes are not the sample's, or a row is no distribution.
    """
    identity, *columns = sample.columns
    lacking = [name for name in columns if name not in set(classes)]
    strange = [name for name in classes if name not in set(columns)]
    if lacking or strange:
        raise KitError(
            "the classes are not the sample's columns: "
            + "; ".join(
                f"{words} {first_of(names)}"
                for words, names in (("no class is called", lacking), ("no column is", strange))
                if names
            )
            + "; take the classes from the sample's header"
        )
    places = pd.Index(list(classes)).get_indexer(pd.Index(columns))
    rows = np.clip(_in_order(sample, ids, probs, classes)[:, places], FLOOR, 1 - FLOOR)
    rows /= rows.sum(axis=1, keepdims=True)
    answer = pd.DataFrame(rows, columns=columns)
    answer.insert(0, identity, pd.Series(texts(sample[identity]), dtype=str))
    return answer


def write(
    path: Path, submission: pd.DataFrame, sample: pd.DataFrame, classes: Sequence[str]
) -> None:
    """Validate a submission, write it atomically, and validate what was written.

    Raises:
        KitError: `validate` finds problems (all of them are named), or `path` cannot be written.
    """
    assert path.suffix == ".csv", path  # pandas decompresses by suffix
    _refuse(path, validate(submission, sample, classes))
    with replacing(path) as temporary:
        submission.to_csv(
            temporary, index=False, lineterminator="\n", float_format=FLOAT_FORMAT, encoding="utf-8"
        )
        # Read back under its temporary name: a file that fails never takes the place of a good one.
        _refuse(path, validate(read_csv(temporary), sample, classes))


def _refuse(path: Path, problems: list[str]) -> None:
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise KitError(f"{path} was not written, the submission is not the sample's:\n{listed}")


def _in_order(
    sample: pd.DataFrame, ids: Sequence[str], probs: Probs, classes: Sequence[str]
) -> npt.NDArray[np.float64]:
    """The rows of `probs` in the sample's order, each normalised to sum to 1."""
    assert probs.shape == (len(ids), len(classes)), (probs.shape, len(ids), len(classes))
    names = np.asarray([str(name) for name in ids], dtype=object)
    known = pd.Index(names, dtype=object)
    wanted = pd.Index(texts(sample.iloc[:, 0]), dtype=object)
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
    sums = probs.sum(axis=1, dtype=np.float64)
    broken = ~(np.isfinite(sums) & (sums > 0) & (probs >= 0).all(axis=1))
    if broken.any():
        raise KitError(
            f"{counted(int(broken.sum()), 'row')} of probs with no distribution (NaN, negative or all zero): "
            f"{first_of(names[broken].tolist())}; predict them again in full precision"
        )
    rows = probs.astype(np.float64) / sums[:, None]
    ordered: npt.NDArray[np.float64] = rows[known.get_indexer(wanted)]
    return ordered
