"""Jobs' training rows in principal coordinates, each decomposed once for all the solvers that need it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from common.inference.feature_table import FeatureTable
from common.training.jobs import Job
from common.training.solved.principal import Columns, Moments, Part, Principal, moments, principal
from common.training.solved.shelf import Shelf


class Decompositions:
    """Of a table of features, by job and by the name of some of its columns."""

    def __init__(self, table: FeatureTable, columns: Mapping[str, Columns], shelf: Shelf) -> None:
        self.table, self.columns, self._shelf = table, columns, shelf
        self._kept: dict[tuple[str, str], Principal] = {}
        self._known: dict[str, Moments] = {}  # of all rows

    def know(self, jobs: Sequence[Job], name: str) -> None:
        """Form the moments of all rows, if a job has more rows than features of that name."""
        self._known.clear()
        missing = [job for job in jobs if (job.name, name) not in self._kept]
        part = Part(self.table, np.arange(self.table.count), self.columns[name])
        if missing and min(len(job.rows) for job in jobs) * self.table.views >= part.width:
            self._known = {name: moments(part)}

    def forget(self) -> None:
        """Drop what was known and kept."""
        self._known.clear()
        self._kept.clear()

    def of(self, job: Job, name: str, *, keep: bool = False) -> Principal:
        """A job's training rows on the features of that name, which are kept for the next call on demand."""
        if (job.name, name) in self._kept:
            return replace(self._kept[job.name, name])  # `x`, once asked for, goes with the caller
        found = principal(
            Part(self.table, job.rows, self.columns[name]), self._of_all_but(job, name)
        )
        if keep:
            few = None if found.few is None else self._shelf.keep(found.few)
            self._kept[job.name, name] = replace(
                found, basis=self._shelf.keep(found.basis), few=few
            )
        return found

    def _of_all_but(self, job: Job, name: str) -> Moments | None:
        """The moments of a job's rows by those of all rows, if these are known."""
        known = self._known.get(name)
        others = np.setdiff1d(np.arange(self.table.count), job.rows)
        if known is None or len(others) + len(job.rows) != self.table.count:
            return None  # or a row comes twice
        if not len(others):
            return known
        return known.without(moments(Part(self.table, others, self.columns[name]), known.origin))
