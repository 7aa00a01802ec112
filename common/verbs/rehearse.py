"""Hide a part of the labelled images, compete for it blind, and compare CV with leaderboard.

The whole way against a Kaggle on this machine: download, run, submit, score. It needs no account
and uses up no submission; called again, it goes on where it stopped.

Example: kit cifar10 rehearse rows=4000 epochs=3 --hidden 0.2 --seed 0
"""

from dataclasses import dataclass
from typing import Any

from common.workflow import options as shared
from common.workflow.files import fetch_if_absent
from common.workflow.options import flag
from common.workflow.request import Request
from common.workflow.submitting.rehearsal import rehearse

SHARED = (shared.recipe_fields, shared.begins)


@dataclass(frozen=True)
class Options:
    """What `rehearse` takes beside them."""

    hidden: float = flag("share of the rows to hide (default: 0.2)", 0.2)
    seed: int = flag("of what is hidden (default: 0)", 0)


def run(request: Request, options: Options) -> dict[str, Any]:
    """The JSON holds CV, public and private score, their standard errors and row counts."""
    request.check_judged()
    fetch_if_absent(request)
    return rehearse(request, share=options.hidden, seed=options.seed)
