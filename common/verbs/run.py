"""Validate, predict, then write and check submission.csv: all but the upload.

Files are fetched first where they are not yet there. Called again, it goes on where it stopped.

Example: kit cifar10 run --recipe quick epochs=12
"""

from pathlib import Path
from typing import Any

from common.progress import say
from common.workflow import options as shared
from common.workflow.pipeline import finished
from common.workflow.request import Request

SHARED = (shared.recipe_fields, shared.begins)


def run(request: Request) -> dict[str, Any]:
    """Train, score and predict; the JSON holds the scores and the submission."""
    result = finished(request)
    say(f"pictures: {Path(result['run']) / 'pictures'}")
    say(f"next: {request.command('submit' if request.competition.on_kaggle else 'rehearse')}")
    return result
