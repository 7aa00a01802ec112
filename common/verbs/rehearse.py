"""Hide a part of the labelled images, compete for it blind, and compare CV with leaderboard.

The whole way against a Kaggle on this machine: download, run, submit, score. It needs no account
and uses up no submission; called again, it goes on where it stopped.

Example: kit cifar10 rehearse rows=4000 epochs=3 --hidden 0.2 --seed 0
"""

from argparse import ArgumentParser
from typing import Any

from common.runs import owned
from common.workflow import options as shared
from common.workflow.files import fetch_if_absent, open_files
from common.workflow.request import Request
from common.workflow.submitting.rehearsal import _competed, _tell, _worth, blind
from common.workflow.submitting.rehearsal_site import carved


def flags(parser: ArgumentParser) -> None:
    """The words it takes."""
    shared.fields(parser)
    shared.begins(parser)
    parser.add_argument(
        "--hidden", type=float, default=0.2, help="share of the rows to hide (default: 0.2)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of what is hidden (default: 0)")


def run(request: Request) -> dict[str, Any]:
    """Do it, and return what the JSON line holds."""
    request.check_judged()
    fetch_if_absent(request)
    share, seed = float(request.options.get("hidden", 0.2)), int(request.options.get("seed", 0))
    folder = carved(request, open_files(request), share=share, seed=seed)
    with owned(folder):
        result = _competed(blind(request, folder), folder)
    result |= {"rehearsal": str(folder)} | _worth(request, folder, result)
    _tell(request, result)
    return result
