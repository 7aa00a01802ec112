"""Competitions on the local Kaggle: a rehearsal's folder or an embedded data set, as it serves them."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pandas as pd

from common.competition import Competition
from common.data.classes import classes_of
from common.data.table import read_csv
from common.kaggle.server.host import Host
from common.kaggle.server.hosted import Hosted
from common.kaggle.server.scoring import scorer
from common.kaggle.session import RunKernel
from common.progress import say
from common.runs import locked_run
from common.storage import locked
from common.workflow.files import holds_files, lay_out_embedded, read_sample
from common.workflow.request import Request
from common.workflow.submitting.rehearsal_site import SERVED, SOLUTION

PUBLIC_SHARE = 0.3
DAILY = 1_000_000  # submissions
KEPT = Path("kernels") / "host"  # below the runs


def of_rehearsal(competition: Competition, folder: Path) -> Hosted:
    """A rehearsal's folder to the competition that the local Kaggle serves."""
    solution = read_csv(folder / SOLUTION, columns=("id", "label"))
    return _hosted(competition, folder / SERVED, solution)


def of_embedded(competition: Competition, folder: Path) -> Hosted:
    """An embedded data set to the competition served; its files are written to `folder`."""
    assert competition.embedded is not None
    if not holds_files(folder):
        recipe = next(iter(competition.recipes))
        with locked(folder):
            lay_out_embedded(Request(competition=competition, recipe_name=recipe, data=folder))
    table = competition.embedded().table
    return _hosted(competition, folder, table[table["hidden"]][["id", "label"]])


def _hosted(competition: Competition, files: Path, solution: pd.DataFrame) -> Hosted:
    sample = read_sample(competition, files)
    classes = classes_of(sample, competition.read_train(files)["label"], files / competition.sample)
    score = scorer(solution, sample, classes, competition.scored_by, public_share=PUBLIC_SHARE)
    return Hosted(
        slug=competition.slug,
        title=competition.title,
        files=files,
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
