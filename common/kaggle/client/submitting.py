"""Submit a file at most once: after a lost answer, the submission is searched for before a retry.

It is found by a unique mark at the start of its description: a site may strip, escape or truncate
the rest. Lists lag, so the submission count is compared as well.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.kaggle.client.child_process import RemoteError, ask
from common.kaggle.client.competition_status import (
    Submission,
    SubmissionCount,
    limits,
    limits_and_newest,
    parse_status,
    parse_submission,
)
from common.kaggle.client.errors import SITE, KaggleError
from common.kaggle.client.rerun_failures import remedy_for
from common.kaggle.client.retry import Environment, call, check, explain_failure
from common.kaggle.client.send_once import UnseenError, send_at_most_once
from common.kaggle.client.submission_quota import count_unlisted, quota_message, why_unsure
from common.kaggle.client.waiting import listed_s, polling, silence_s
from common.kaggle.protocol import ABSENT
from common.progress import say
from common.runs import digest_file

SLOWEST_UPLOAD = 20_000  # bytes/s that a submission is given time for
LONGEST = 255  # characters of a description, the mark included; some sites cut the rest off
FIRST_POLL_S, LONGEST_POLL_S = 0.5, 15.0
SCORED_S = 600.0  # in which a file has its score


class SubmissionError(KaggleError):
    """The submission arrived, and Kaggle could not score it."""


def digest_mark(digest: str) -> str:
    """What the description of every submission of the file with this digest holds."""
    return f"[{digest}."


def new_mark(file: Path) -> str:
    """A mark for one submission of this file, to find it by in the list."""
    return f"{digest_mark(digest_file(file))}{uuid.uuid4().hex[:8]}]"


def described(mark: str, message: str) -> str:
    """The description of a submission: its mark, then the message on one line; a cut is said."""
    whole = f"{mark} {' '.join(message.split())}".rstrip()
    if len(whole) > LONGEST:
        room = LONGEST - len(mark) - 1
        say(
            f"the message of {len(message)} characters is cut to {room}: a description has {LONGEST}"
        )
    return whole[:LONGEST].rstrip()


@dataclass
class PendingSubmission:
    """A submission that is being sent, and how to find it after a lost answer.

    Attributes:
        mark: what it is found by.
        sending: called, with `before`, right before each request that makes a submission.
        before: what was counted and listed before it was first sent; None: not told, or not sent.
    """

    slug: str
    mark: str
    sending: Callable[[SubmissionCount | None], None] | None
    environment: Environment
    before: SubmissionCount | None = None

    def begin(self, now: SubmissionCount | None) -> None:
        """Note what is counted by now, unless an earlier attempt did."""
        self.before = self.before or now
        if self.sending:
            self.sending(self.before)

    def find(self) -> int | None:
        """Its number; None when it is neither listed nor counted.

        Raises:
            UnseenError: it is not listed, and it is counted, or the counts are not told.
        """
        now = limits_and_newest(self.slug, environment=self.environment)
        row = now.find_mark(self.mark)
        if row is not None:
            say(f"it counted: submission {row.ref}")
            return row.ref
        if doubt := why_unsure(count_unlisted(self.before, now)):
            raise UnseenError(doubt)
        return None


def submit(
    slug: str,
    file: Path,
    message: str,
    *,
    mark: str = "",
    sending: Callable[[SubmissionCount | None], None] | None = None,
    environment: Environment = None,
) -> int:
    """Upload `file` as a submission described by `message` and return its number (ref).

    Args:
        mark: stands before the message, and finds the submission when its answer is lost; a call
            that resumes an interrupted one passes its mark. Default: a new one.
        sending: called before each request that makes a submission, with what was counted and
            listed before the first of them.

    Raises:
        UnsureError: it cannot be known yet whether it was submitted.
        KaggleError: it was not submitted.
    """
    check(slug, environment)
    if not file.is_file():
        raise KaggleError(f"there is no file {file} to submit")
    mark = mark or new_mark(file)
    tracked = PendingSubmission(slug, mark, sending, environment)
    place = {"slug": slug, "file": str(file.resolve()), "message": described(mark, message)}
    patience_s = silence_s() + file.stat().st_size / SLOWEST_UPLOAD

    def send() -> int:
        uploaded = call(
            {**place, "operation": "upload"}, "submitting to", environment, patience_s=patience_s
        )
        tracked.begin(_count_before(uploaded["before"], slug, environment))
        request = {**place, "operation": "create", "token": uploaded["token"]}
        return created(request, environment)

    return send_submission(tracked, send)


def _count_before(
    told: Mapping[str, Any] | None, slug: str, environment: Environment
) -> SubmissionCount | None:
    """What was counted before the submission, as the upload `told`; asked again where it did not.

    Without it, a submission whose answer is lost is held back until its list can be trusted.
    """
    if told is not None:
        return parse_status(told).count
    try:
        return limits_and_newest(slug, environment=environment).count
    except KaggleError:  # no condition for the submission
        return None


def created(request: Mapping[str, Any], environment: Environment) -> int:
    """The number of the submission that one request makes; RemoteError when none is named."""
    ref = int(ask(request, environment=environment, patience_s=silence_s())["ref"])
    if not ref:
        raise RemoteError("other", "Kaggle's answer named no submission")
    return ref


def send_submission(tracked: PendingSubmission, send: Callable[[], int]) -> int:
    """The number of the submission that `send` makes."""
    slug = tracked.slug
    return send_at_most_once(
        f"submitting to {slug}",
        send,
        tracked.find,
        refused=lambda failure: _refused(failure, slug, tracked.environment),
        arrived="counted",
        place="the list",
        advice=f"the same command looks once more first (the list: {list_of(slug)})",
    )


def list_of(slug: str) -> str:
    """The address of the team's submissions."""
    return f"{SITE}/competitions/{slug}/submissions"


def _refused(failure: RemoteError, slug: str, environment: Environment) -> KaggleError:
    """The refusal in words; of a 400 the limits tell whether it is the quota's."""
    sentence = explain_failure(failure, slug, "submitting to", environment)
    if failure.status != 400:
        return sentence
    try:
        found = limits(slug, environment=environment)
    except KaggleError:  # the refusal itself is told
        return sentence
    if found is None or found.allowed or not found.today:
        return sentence
    return KaggleError(f"{quota_message(slug, found, datetime.now(UTC))} ({failure.words})")


def wait(
    slug: str,
    ref: int,
    timeout_s: float = SCORED_S,
    *,
    remedy: Callable[[str], str] = remedy_for,
    environment: Environment = None,
) -> Submission:
    """Wait until submission `ref` is scored and return it.

    Args:
        remedy: what follows the reason why it could not be scored.

    Raises:
        SubmissionError: it could not be scored, with Kaggle's own reason.
        KaggleError: it is not scored in `timeout_s`, or cannot be asked about.
    """
    with polling(FIRST_POLL_S, LONGEST_POLL_S, timeout_s) as looks:
        for look in looks:
            found = _asked(slug, ref, environment, new=look.waited < listed_s())
            if found is not None and found.status == "COMPLETE":
                return found
            if found is not None and found.status == "ERROR":
                reason = (found.error or "no reason was given").rstrip(".")
                raise SubmissionError(
                    f"{slug} refused submission {ref} ({found.file}): {reason}; {remedy(reason)}"
                )
            if look.last:
                raise KaggleError(
                    f"submission {ref} to {slug} is not scored after {look.waited:.0f} s; the same "
                    f"command waits on, or look at {list_of(slug)}"
                )
            status = "not shown yet" if found is None else found.status.lower()
            look.show(f"submission {ref} is {status} ({look.waited:.0f} s)")
    raise AssertionError  # the looks have no end


def _asked(slug: str, ref: int, environment: Environment, *, new: bool) -> Submission | None:
    """A submission by its number; None for a `new` one that the site does not show yet."""
    request = {"operation": "submission", "slug": slug, "ref": ref}
    try:
        return parse_submission(
            call(request, f"waiting for the score of submission {ref} to", environment)
        )
    except KaggleError as error:
        if new and getattr(error.__cause__, "status", 0) in ABSENT:
            return None
        raise
