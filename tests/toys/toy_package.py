"""A finished run of a toy competition as a package, and its test set without the training data."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from toy_competitions import laid_out as files_laid_out
from toy_competitions import request_of

from common.competition import Competition
from common.runs import Run
from common.verbs import run
from common.workflow.predicting import levels
from common.workflow.predicting.answer import answer
from common.workflow.predicting.package import laid_out, package_of
from common.workflow.request import Request


@dataclass
class Made:
    """A finished run of a toy competition, its package laid out, and its visible test set without the rest."""

    request: Request
    run: Run
    package: Path
    data: Path
    folder: Path

    def predicted(
        self, data: Path, seconds: float = 600, **more: Any
    ) -> tuple[pd.DataFrame, dict[str, Any]]:
        """The submission for a test set, as text by id, and what is told of it."""
        out, cache = self.folder / "out" / "submission.csv", self.folder / "cache"
        out.parent.mkdir(exist_ok=True)
        out.unlink(missing_ok=True)
        clock = levels.Clock(seconds, levels.time.monotonic())
        competition = self.request.competition
        told = answer(competition, self.package, data, out, cache=cache, clock=clock, **more)
        rows = pd.read_csv(out, dtype=str)
        return rows.set_index(rows.columns[0]), told

    def other(self, name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Path:
        """The visible test set with another sample submission."""
        data = self.folder / name
        shutil.copytree(self.data, data)
        sample = data / self.request.competition.sample
        change(pd.read_csv(sample, dtype=str)).to_csv(sample, index=False)
        return data


def made_of(competition: Competition, folder: Path, **fields: Any) -> Made:
    files_laid_out(competition, folder / "data")
    request = request_of(competition, folder, **fields)
    finished = Run(Path(run.run(request)["run"]))
    return packed(request, finished, folder)


def packed(request: Request, finished: Run, folder: Path) -> Made:
    """The run's package as a kernel finds it, and the data without a training image or label."""
    package = laid_out(package_of(request, finished), folder / f"package-{finished.folder.name}")
    data = folder / f"visible-{finished.folder.name}"
    assert request.data is not None
    shutil.copytree(request.data, data, ignore=shutil.ignore_patterns("train*", "labels.csv"))
    return Made(request, finished, package, data, folder)
