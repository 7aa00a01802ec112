"""Rehearse the competition: hide labelled images as a test set, submit locally, compare CV and score.

Download, train, submit and score against a local Kaggle: no account is needed and no submission is
used. An interrupted rehearsal is resumed by the same command.

Example: kit cifar10 rehearse rows=4000 epochs=3 --hidden 0.2 --seed 0
"""

from dataclasses import dataclass
from typing import Any

from common.workflow import options as shared
from common.workflow.files import fetch_if_absent
from common.workflow.options import flag
from common.workflow.request import Request
from common.workflow.submitting.rehearsal import rehearse

SHARED = (shared.field_flags, shared.fresh_flags)


@dataclass(frozen=True)
class Options:
    """The options of `rehearse`."""

    hidden: float = flag("share of the labelled rows to hide (default: 0.2)", 0.2)
    seed: int = flag("random seed of the hidden split (default: 0)", 0)


def run(request: Request, options: Options) -> dict[str, Any]:
    """Rehearse; the JSON holds CV, public and private score, their standard errors and row counts."""
    request.check_has_validation()
    fetch_if_absent(request)
    return rehearse(request, share=options.hidden, seed=options.seed)
