"""What a finished run says: its probs out-of-fold and of the test set, by id and by class."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common.atomic import read_json
from common.data.store import Store
from common.data.table import read_csv
from common.inference.blend import Predictions
from common.progress import first_of
from common.recipe import Recipe
from common.runs import Run, digest_file, fingerprint
from common.workflow.result import predictions_folder, scores_of


@dataclass(frozen=True)
class Predicted:
    """A run whose submission.csv is written, and the probs behind it.

    Attributes:
        test_name: the file of the test set's probs; it names the test set's content.
        digest: of both files of probs.
    """

    run: Run
    held_out: Predictions
    test: Predictions
    test_name: str
    digest: str
    scores: dict[str, Any]


def predicted(run: Run) -> Predicted:
    """The probs that the run's submission.csv was made of.

    Raises:
        ValueError: it has predicted no test set yet.
    """
    facts = run.read()
    name = facts.get("test", "")
    folder = predictions_folder(run, Recipe(**facts.get("predicted", {})))
    held_out, test = folder / "oof.npz", folder / name
    if not run.recipe().folds:
        raise ValueError(
            f"{run.folder} was trained with folds=0: it has no out-of-fold predictions to weigh it by"
        )
    if not name or not held_out.is_file() or not test.is_file():
        raise ValueError(
            f"{run.folder} has not predicted the test set: `kit {facts['competition']} predict "
            f"--run {run.folder}` does"
        )
    classes = read_json(run / "classes.json")
    return Predicted(
        run=run, held_out=_read(run, held_out, classes), test=_read(run, test, classes),
        test_name=name, digest=digest_file(held_out) + digest_file(test), scores=scores_of(run),
    )  # fmt: skip


def check_data(run: Run, table: pd.DataFrame, store: Store) -> None:
    """Raise a ValueError when the run was made from other rows, labels or images than these.

    Its rows and its classes may stand in another order.
    """
    if data_of(run, table, store, read_json(run / "classes.json")) != run.read()["data"]:
        raise ValueError(
            f"{run.folder} was made from other labels or images than are there now: name the data "
            "it was made from (--data DIR), or leave it out"
        )


def data_of(run: Run, table: pd.DataFrame, store: Store, classes: Sequence[str]) -> str:
    """The data's fingerprint with the rows in the run's order and the classes in this one.

    Raises:
        ValueError: the run has other rows.
    """
    listed = read_csv(run / "folds.csv", columns=("id", "repeat", "fold"))
    ids = listed["id"][listed["repeat"] == "0"].tolist()
    strange = sorted(set(ids) ^ set(table["id"]))
    if strange:
        raise ValueError(
            f"{run.folder} was made from {len(ids):,} rows and the first run from {len(table):,}; "
            f"one has {first_of(strange)} and the other not: name runs of the same rows="
        )
    at = pd.Index(table["id"]).get_indexer(pd.Index(ids))
    digests = [store.digests[row] for row in at]
    return fingerprint(ids, table["label"].iloc[at].tolist(), digests, list(classes))


def _read(run: Run, path: Path, classes: list[str]) -> Predictions:
    with np.load(path) as kept:
        return Predictions(str(run.folder), kept["ids"].tolist(), classes, kept["probs"])
