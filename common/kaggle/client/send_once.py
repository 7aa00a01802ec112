"""Requests made at most once: after a lost answer, the result is searched for before a retry."""

import time
from collections.abc import Callable
from typing import TypeVar

from common.kaggle.client.child_process import RemoteError
from common.kaggle.client.errors import KaggleError
from common.kaggle.client.waiting import listed_s, pauses, rest
from common.kaggle.protocol import LONGEST_PAUSE_S

T = TypeVar("T")

LOOKS = 3  # at a list, at least
AGAIN_S = 1.0  # between two looks, once the pauses are used up


class UnsureError(KaggleError):
    """The outcome of a request is not known yet."""


class UnseenError(KaggleError):
    """The result is in no list, and may exist all the same; the message says why, as a clause."""


def send_at_most_once(
    doing: str,
    send: Callable[[], T],
    find: Callable[[], T | None],
    *,
    refused: Callable[[RemoteError], KaggleError],
    arrived: str,
    place: str,
    advice: str,
    certain: bool = True,
) -> T:
    """Make a request that creates something, at most once; return what Kaggle calls the result.

    Args:
        doing: "submitting to petals".
        send: one attempt; raises RemoteError when it failed.
        find: searches for the result: its name; None when it does not exist; UnseenError when it
            may exist all the same; KaggleError when the search failed.
        refused: turns a failure into the error to raise.
        arrived: the past tense of success, for messages: "counted".
        place: what `find` searches, for messages: "the list".
        advice: what to do while the outcome is unknown, for the end of a message.
        certain: does None of `find` prove that nothing was made? False where only a list tells,
            which may lag: then None is trusted after an error answer, not after a lost answer.

    Raises:
        UnsureError: it cannot be known yet whether it was made.
        KaggleError: it was not made.
    """
    left = pauses()
    while True:
        try:
            return send()
        except RemoteError as error:
            failure = error
        counts = _may_have_arrived(failure)
        long = failure.retry_after > LONGEST_PAUSE_S  # asked for: it is not sent again by this call
        if not counts and not (failure.passing and left and not long):
            raise refused(failure) from failure
        pause = left.pop(0) if left and not long else None
        then = f"looking whether it {arrived}" if counts else "trying again"
        rest(
            f"{doing}: {failure.words}", (0 if long else failure.retry_after) or pause or 0.0, then
        )
        if counts:
            # Behind a gateway that gave up, too, somebody may still be at work on it.
            silent = failure.kind == "timeout" or failure.status in (408, 504)
            inconclusive = silent or not (certain or failure.status)
            found, doubt = _search(find, place, silent=silent, inconclusive=inconclusive)
            if found is not None:
                return found
            if doubt:
                raise UnsureError(
                    f"{doing}: {failure.words}, and {doubt}: cannot tell whether it {arrived}, and "
                    f"nothing was sent again; {advice}"
                ) from failure
        if pause is None:
            raise refused(failure) from failure


def _may_have_arrived(failure: RemoteError) -> bool:
    """Whether the server may have acted despite this failure; an answer below 500 is a refusal."""
    return (
        failure.kind in ("connection", "timeout", "other")
        or failure.broken
        or failure.status == 408
    )


def _search(
    find: Callable[[], T | None], place: str, *, silent: bool, inconclusive: bool
) -> tuple[T | None, str]:
    """What `find` gives within the time for it, else why it may exist all the same ("": it does not).

    Args:
        silent: the request timed out, so that waiting longer brings nothing more.
        tta_fraction: does finding nothing mean nothing?
    """
    begun, left, looks = time.monotonic(), pauses()[: LOOKS - 1] if silent else pauses(), 0
    while True:
        looks += 1
        try:
            found, doubt = find(), f"it is not in {place} so far" if inconclusive else ""
        except UnseenError as unseen:
            found, doubt = None, str(unseen)
        except KaggleError:
            return None, f"{place} cannot be read"
        if found is not None:
            return found, ""
        enough = silent or time.monotonic() - begun >= listed_s()
        if enough and looks >= LOOKS and not (left and doubt):
            return None, doubt
        time.sleep(left.pop(0) if left else AGAIN_S)
