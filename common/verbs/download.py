"""Download a competition's files from Kaggle, or write out an embedded data set.

An interrupted download is resumed. The archive gets its final name only after its checksums were
verified.

Example: kit cifar10 download
"""

from typing import Any

from common.progress import say
from common.workflow.files import fetch, lay_out
from common.workflow.request import Request


def run(request: Request) -> dict[str, Any]:
    """Download or write the files; the JSON names their folder."""
    result = fetch(request) if request.on_site else lay_out(request)
    say(f"next: {request.command('run')}")
    return result
