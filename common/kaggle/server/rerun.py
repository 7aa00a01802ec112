"""A submitted kernel run again on a hidden test set, as code competitions do; only what the site tells is told."""

from dataclasses import replace
from pathlib import Path

from common.kaggle.server.hosted import Hosted
from common.kaggle.session import RunKernel, Session

IN_RERUN = "KAGGLE_IS_COMPETITION_RERUN"
# By the limit that ended it, in the site's words.
WHY_FAILED = {"time": "Notebook Timeout", "memory": "Notebook Exceeded Allowed Compute"}
FAILED, NO_FILE, NO_SCORE = (
    "Notebook Threw Exception",
    "Submission CSV Not Found",
    "Submission Scoring Error",
)


class RerunError(Exception):
    """A re-run gave nothing that has a score; the site's words for it."""


def run_hidden(plain: Session, run_kernel: RunKernel, hosted: Hosted, name: str) -> Path:
    """The file `name` that a kernel writes on the hidden files, without the internet and within the limits.

    Args:
        plain: the session that it was run with when it was pushed, with an output folder of its own.

    Raises:
        RerunError: there is none.
    """
    assert hosted.hidden is not None
    session = replace(
        plain,
        inputs={**plain.inputs, f"competitions/{hosted.slug}": hosted.hidden},
        internet=False,
        seconds=hosted.rerun_s,
        memory_mb=hosted.rerun_mb,
        variables={IN_RERUN: "1"},
    )
    ending = run_kernel(session)
    if ending.status != "COMPLETE":
        raise RerunError(WHY_FAILED.get(ending.limit, FAILED))
    if not (plain.working / name).is_file():
        raise RerunError(NO_FILE)
    return plain.working / name
