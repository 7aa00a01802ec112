"""Competitions on the local Kaggle: a rehearsal's folder or an embedded data set, as it serves them."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pandas as pd

from common.competition import Competition
from common.data.table import read_csv
from common.kaggle.server.host import Host
from common.kaggle.server.hosted import Hosted
from common.kaggle.server.scoring import scorer
from common.kaggle.session import RunKernel
from common.progress import say
from common.runs import locked_run
from common.storage import locked
from common.submission import solution_rows
from common.workflow.files import Files, holds_files, lay_out_embedded, read_files
from common.workflow.request import Request
from common.workflow.submitting.rehearsal_site import SERVED, SOLUTION

PUBLIC_SHARE = 0.3
DAILY = 1_000_000  # submissions
KEPT = Path("kernels") / "host"  # below the runs


def of_rehearsal(competition: Competition, folder: Path) -> Hosted:
    """A rehearsal's folder to the competition that the local Kaggle serves."""
    solution = read_csv(folder / SOLUTION, columns=("id",))
    return _hosted(competition, read_files(competition, folder / SERVED), solution)


def of_embedded(competition: Competition, folder: Path) -> Hosted:
    """An embedded data set to the competition served; its files are written to `folder`."""
    assert competition.embedded is not None
    if not holds_files(folder):
        recipe = next(iter(competition.recipes))
        with locked(folder):
            lay_out_embedded(Request(competition=competition, recipe_name=recipe, data=folder))
    table = competition.embedded().table
    files = read_files(competition, folder)
    solution = solution_rows(files.form, files.target, files.sample, table[table["hidden"]])
    return _hosted(competition, files, solution)


def _hosted(competition: Competition, files: Files, solution: pd.DataFrame) -> Hosted:
    metric, share = competition.scored_by, PUBLIC_SHARE
    score = scorer(solution, files.sample, files.form, metric, public_share=share)
    return Hosted(
        slug=competition.slug,
        title=competition.title,
        files=files.folder,
        score=score,
        metric=competition.metric,
        daily_limit=DAILY,
    )


@contextmanager
def environment_set(environment: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables of this process inside the block; an empty value unsets one."""
    tempfile.gettempdir()  # it remembers the first answer: not the host's TMPDIR
    before = dict(os.environ)
    for name, value in environment.items():
        if value:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def kaggle_of(
    request: Request, data: Path, *, kept: bool = False, run_kernel: RunKernel | None = None
) -> Iterator[Mapping[str, str] | None]:
    """The environment that points the client at the request's Kaggle; None: unchanged.

    For an embedded competition a local Kaggle is started.

    Args:
        data: the competition's files.
        kept: the local Kaggle keeps its state (kernels) below the request's runs; otherwise it
            lasts for this block.
        run_kernel: runs the kernels pushed to it.
    """
    if request.on_site:
        yield None
        return
    hosted = of_embedded(request.competition, data)
    with ExitStack() as stack:
        if kept:
            folder = request.runs / KEPT
            stack.enter_context(locked_run(folder))
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        host = stack.enter_context(Host([hosted], folder=folder, run_kernel=run_kernel))
        say(f"no account needed: the kit's own Kaggle on this machine (port {host.port})")
        yield host.environment
