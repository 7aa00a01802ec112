"""Submit a file of a kernel's output, at most once, for competitions that take notebooks only."""

import hashlib
import uuid
from collections.abc import Callable

from common.kaggle.client.competition_status import SubmissionCount, limits_and_newest
from common.kaggle.client.kernel_push import Pushed
from common.kaggle.client.retry import Environment, check
from common.kaggle.client.submitting import (
    PendingSubmission,
    created,
    described,
    digest_mark,
    send_submission,
)


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
    sending: Callable[[SubmissionCount | None], None] | None = None,
    environment: Environment = None,
) -> int:
    """Submit `file` of a version's output to the competition `slug`; return its number (ref).

    In a competition that reruns kernels on hidden data, the rerun's output is scored.

    Args:
        mark, sending: as in `common.kaggle.client.submitting.submit`.

    Raises:
        UnsureError: it cannot be known yet whether it was submitted.
        KaggleError: it was not submitted.
    """
    check(slug, environment)
    mark = mark or kernel_mark(pushed, file)
    tracked = PendingSubmission(slug, mark, sending, environment)
    request = {
        "operation": "kernel_submit",
        "slug": slug,
        "kernel": pushed.name,
        "version": pushed.version,
        "file": file,
        "message": described(mark, message),
    }

    def send() -> int:
        tracked.begin(limits_and_newest(slug, environment=environment).count)
        return created(request, environment)

    return send_submission(tracked, send)
