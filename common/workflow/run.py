"""Validate, predict, then write and check submission.csv: all but the upload.

Files are fetched first where they are not yet there. Called again, it goes on where it stopped.

Example: kit cifar10 run --recipe quick epochs=12
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from common.progress import say
from common.workflow import flags as shared
from common.workflow.download import fetch_if_absent
from common.workflow.predict import open_test, predict_test
from common.workflow.prepare import prepared
from common.workflow.request import Request
from common.workflow.result import result_of
from common.workflow.validate import validate


def flags(parser: ArgumentParser) -> None:
    """The words it takes."""
    shared.fields(parser)
    shared.begins(parser)


def run(request: Request) -> dict[str, Any]:
    """Do it, and return what the JSON line holds."""
    result = finished(request)
    say(f"pictures: {Path(result['run']) / 'pictures'}")
    say(f"next: {request.command('submit' if request.competition.on_kaggle else 'rehearse')}")
    return result


def finished(request: Request) -> dict[str, Any]:
    """The result of a run that is trained, judged and has its submission.csv."""
    fetch_if_absent(request)
    with prepared(request) as ready:
        test = open_test(ready)
        validate(ready)
        if test is not None:
            predict_test(ready, *test)
        else:
            say(f"{ready.files.folder} has no test set: nothing was predicted")
        return result_of(ready.run)
