"""What is known of a test set so far, and the submission that it makes: whole and valid at any time."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from common import submission
from common.competition import Competition
from common.metrics import Probs
from common.progress import counted, first_of
from common.submission import Format
from common.submission.check import texts
from common.workflow.predicting.members import Node, combined


@dataclass
class Answer:
    """What is known of a test set so far.

    Attributes:
        probs, known: by run with models, float32 [M, C], and bool [M]: is the row predicted?
        row_bytes: of the decoded pixels of an image.
        faults: why an image has no prediction, by id.
        used: rows by the text of the level that they were predicted at.
    """

    competition: Competition
    node: Node
    prior: Probs
    sample: pd.DataFrame
    form: Format
    table: pd.DataFrame
    out: Path
    probs: list[Probs]
    known: list[npt.NDArray[np.bool_]]
    faults: dict[str, str] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    row_bytes: float = 0.0

    @property
    def strange(self) -> list[str]:
        """Ids that only the sample has, which get the mean, or only the test table, which are left out."""
        if self.form.long:
            return []
        wanted, there = (set(each) for each in (texts(self.sample.iloc[:, 0]), self.table["id"]))
        words = {"only the sample has": wanted - there, "only the test table has": there - wanted}
        return [
            f"{what} {counted(len(ids), 'id')} ({first_of(sorted(ids))})"
            for what, ids in words.items()
            if ids
        ]

    def write(self) -> None:
        """Replace the submission: rows without a prediction have the mean of those that have one."""
        ids = self.table["id"].tolist()
        submission.write(self.out, self._rows(ids, self._every(ids)), self.sample, self.form)

    def _rows(self, ids: list[str], probs: Probs) -> pd.DataFrame:
        if not self.form.long:  # what is in the sample counts, whatever the test table lists
            wanted = pd.Index(texts(self.sample.iloc[:, 0]), dtype=object)
            at = pd.Index(ids, dtype=object).get_indexer(wanted)
            probs = np.where((at < 0)[:, None], self.prior, probs[at] if len(ids) else self.prior)
            ids = wanted.tolist()
        return submission.rows_of(self.form, self.node.target, self.sample, ids=ids, probs=probs)

    def _every(self, ids: list[str]) -> Probs:
        knowns = [known.copy() for known in self.known]  # other devices go on meanwhile
        if not knowns or not all(known.any() for known in knowns):
            return np.tile(self.prior, (len(ids), 1))
        filled = []
        for probs, known in zip(self.probs, knowns, strict=True):
            every = np.tile(probs[known].mean(axis=0), (len(ids), 1))
            every[known] = probs[known]
            filled.append(every)
        return combined(self.node, iter(filled), ids)
