"""A file of a kernel's output submitted, for competitions that take no others."""

import hashlib
import uuid
from collections.abc import Callable

from common.kaggle.client.kernel_push import Pushed
from common.kaggle.client.retry import Environment, check
from common.kaggle.client.submitting import (
    Tracked,
    created,
    described,
    digest_mark,
    submitted_once,
)
from common.kaggle.client.team_status import Count, counted_and_listed


def kernel_mark(pushed: Pushed, file: str) -> str:
    """A mark for one submission of this file of this version, to find it by in the list."""
    text = f"{pushed.name}/{pushed.version}/{file}"
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{digest_mark(digest)}{uuid.uuid4().hex[:8]}]"


def submit_kernel(
    slug: str,
    pushed: Pushed,
    file: str,
    message: str,
    *,
    mark: str = "",
    sending: Callable[[Count | None], None] | None = None,
    environment: Environment = None,
) -> int:
    """Submit `file` of a version's output to the competition `slug`; return its number (ref).

    Where the competition runs kernels anew on data of its own, that is what is scored.

    Args:
        mark, sending: as in `common.kaggle.sending.submit`.

    Raises:
        UnsureError: it cannot be known yet whether it was submitted.
        KaggleError: it was not submitted.
    """
    check(slug, environment)
    mark = mark or kernel_mark(pushed, file)
    tracked = Tracked(slug, mark, sending, environment)
    request = {
        "operation": "kernel_submit",
        "slug": slug,
        "kernel": pushed.name,
        "version": pushed.version,
        "file": file,
        "message": described(mark, message),
    }

    def send() -> int:
        tracked.begin(counted_and_listed(slug, environment=environment).count)
        return created(request, environment)

    return submitted_once(tracked, send)
