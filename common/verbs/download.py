"""Fetch a competition's files: from Kaggle, or written out where the data set is embedded.

Cut off, it goes on where it was. The archive has its name only once all its checksums are right.

Example: kit cifar10 download
"""

from typing import Any

from common.progress import say
from common.workflow.files import fetch, lay_out
from common.workflow.request import Request


def run(request: Request) -> dict[str, Any]:
    """Fetch or lay out the files; the JSON names their folder."""
    result = fetch(request) if request.on_site else lay_out(request)
    say(f"next: {request.command('run')}")
    return result
