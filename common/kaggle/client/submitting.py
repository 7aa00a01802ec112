"""A submission sent once: what was lost on the way is looked for before it is sent again."""

import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.kaggle.client.child_process import RemoteError, ask
from common.kaggle.client.errors import SITE, KaggleError
from common.kaggle.client.retry import Environment, call, check, in_words
from common.kaggle.client.send_once import once
from common.kaggle.client.team_status import ASKING, Submission, limits, submission_of, used_up
from common.kaggle.client.waiting import silence_s, waiting
from common.progress import say
from common.runs import digest_file

SLOWEST_UPLOAD = 20_000  # bytes/s that a submission is given time for
LONGEST_MESSAGE = 300  # characters; the mark stands behind them
FIRST_POLL_S, LONGEST_POLL_S = 0.5, 15.0


class SubmissionError(KaggleError):
    """The submission arrived, and Kaggle could not score it."""


def digest_mark(digest: str) -> str:
    """What the description of every submission of the file with this digest holds."""
    return f"[{digest}."


def new_mark(file: Path) -> str:
    """A mark for one submission of this file, to find it by in the list."""
    return f"{digest_mark(digest_file(file))}{uuid.uuid4().hex[:8]}]"


def submit(
    slug: str, file: Path, message: str, *, mark: str = "",
    sending: Callable[[], None] | None = None, environment: Environment = None,
) -> int:  # fmt: skip
    """Upload `file` as a submission described by `message` and return its number (ref).

    Args:
        mark: stands behind the message, and finds the submission when its answer is lost; a call
            that goes on with one that was cut off passes the mark of that one. Default: a new one.
        sending: called before each request that makes a submission.

    Raises:
        UnsureError: it cannot be known yet whether it was submitted.
        KaggleError: it was not submitted.
    """
    check(slug, environment)
    if not file.is_file():
        raise KaggleError(f"there is no file {file} to submit")
    marked = f"{message[:LONGEST_MESSAGE]} {mark or new_mark(file)}"
    place = {"slug": slug, "file": str(file.resolve()), "message": marked}
    patience_s = silence_s() + file.stat().st_size / SLOWEST_UPLOAD

    def send() -> int:
        token = call(
            {**place, "operation": "upload"}, "submitting to", environment, patience_s=patience_s
        )["token"]
        if sending:
            sending()
        return created({**place, "operation": "create", "token": token}, environment)

    return submitted_once(slug, marked, send, environment)


def created(request: Mapping[str, Any], environment: Environment) -> int:
    """The number of the submission that one request makes; RemoteError when none is named."""
    ref = int(ask(request, environment=environment, patience_s=silence_s())["ref"])
    if not ref:
        raise RemoteError("other", "Kaggle's answer named no submission")
    return ref


def submitted_once(
    slug: str, marked: str, send: Callable[[], int], environment: Environment
) -> int:
    """The number of the submission described by `marked`, which `send` makes."""

    def find() -> int | None:
        request = {"operation": "submissions", "slug": slug, "pages": 1}
        rows = [submission_of(row) for row in call(request, ASKING, environment)]
        ref = next((row.ref for row in rows if row.description == marked), None)
        if ref is not None:
            say(f"it counted: submission {ref}")
        return ref

    return once(
        f"submitting to {slug}", send, find,
        refused=lambda failure: _refused(failure, slug, environment),
        arrived="counted", place="the list",
        advice="the same command looks once more first (the list: "
        f"{SITE}/competitions/{slug}/submissions)",
    )  # fmt: skip


def _refused(failure: RemoteError, slug: str, environment: Environment) -> KaggleError:
    """The refusal in words; of a 400 the limits tell whether it is the quota's."""
    sentence = in_words(failure, slug, "submitting to", environment)
    if failure.status != 400:
        return sentence
    try:
        found = limits(slug, environment=environment)
    except KaggleError:  # the refusal itself is told
        return sentence
    if found is None or found.allowed or not found.today:
        return sentence
    return KaggleError(f"{used_up(slug, found, datetime.now(UTC))} ({failure.words})")


def wait(
    slug: str, ref: int, timeout_s: float = 600.0, *, environment: Environment = None
) -> Submission:
    """Wait until submission `ref` is scored and return it.

    Raises:
        SubmissionError: it could not be scored, with Kaggle's own reason.
        KaggleError: it is not scored in `timeout_s`, or cannot be asked about.
    """
    begun = time.monotonic()
    pause = FIRST_POLL_S
    with waiting() as show:
        while True:
            request = {"operation": "submission", "slug": slug, "ref": ref}
            doing = f"waiting for the score of submission {ref} to"
            found = submission_of(call(request, doing, environment))
            if found.status == "COMPLETE":
                return found
            if found.status == "ERROR":
                reason = (found.error or "no reason was given").rstrip(".")
                raise SubmissionError(
                    f"{slug} refused submission {ref} ({found.file}): {reason}; correct the file "
                    "and submit it again"
                )
            waited = time.monotonic() - begun
            if waited + pause > timeout_s:
                raise KaggleError(
                    f"submission {ref} to {slug} is not scored after {waited:.0f} s; the same "
                    f"command waits on, or look at {SITE}/competitions/{slug}/submissions"
                )
            show(f"submission {ref} is {found.status.lower()} ({waited:.0f} s)")
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_POLL_S)
