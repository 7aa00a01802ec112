"""Train, validate and predict: from the data to a validated submission.csv, without the upload.

Missing files are downloaded first. An interrupted run is resumed by the same command.

Example: kit cifar10 run --recipe quick epochs=12
"""

from pathlib import Path
from typing import Any

from common.progress import say
from common.workflow import options as shared
from common.workflow.pipeline import finished
from common.workflow.request import Request

SHARED = (shared.field_flags, shared.fresh_flags)


def run(request: Request) -> dict[str, Any]:
    """Train, score and predict; the JSON holds the scores and the submission's path."""
    result = finished(request, report=True)
    say(f"pictures: {Path(result['run']) / 'pictures'}")
    if "report" in result:
        say(f"report: {result['report']} (open it in a browser)")
    say(f"next: {request.command('submit' if request.competition.on_kaggle else 'rehearse')}")
    return result
