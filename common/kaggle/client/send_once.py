"""What must not be made twice: after a lost answer it is looked for before it is sent again."""

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
    """Whether what was sent has arrived will only be known later."""


class UnseenError(KaggleError):
    """What was sent is in no list, and may have been made all the same; says why, in a clause."""


def once(
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
    """Send something that exists afterwards, and return what Kaggle calls it.

    Args:
        doing: "submitting to petals".
        send: one attempt; RemoteError when it failed.
        find: what Kaggle calls it, if it is there; None when it is not; UnseenError when it may
            be there all the same; KaggleError when that cannot be seen.
        refused: a failure in words.
        arrived: what it has then done, "counted".
        place: where it is looked for, "the list".
        advice: what to do while nobody can know, for the end of a sentence.
        certain: does None of `find` mean that it was not made? Where only a list tells, which may
            lag behind, that is believed of an error answer, and not of a lost one.

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
        counts = _may_count(failure)
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
            tta_fraction = silent or not (certain or failure.status)
            found, doubt = _looked_for(find, place, silent=silent, tta_fraction=tta_fraction)
            if found is not None:
                return found
            if doubt:
                raise UnsureError(
                    f"{doing}: {failure.words}, and {doubt}: cannot tell whether it {arrived}, and "
                    f"nothing was sent again; {advice}"
                ) from failure
        if pause is None:
            raise refused(failure) from failure


def _may_count(failure: RemoteError) -> bool:
    """Could it have been made all the same? An answer below 500 is a refusal."""
    return (
        failure.kind in ("connection", "timeout", "other")
        or failure.broken
        or failure.status == 408
    )


def _looked_for(
    find: Callable[[], T | None], place: str, *, silent: bool, tta_fraction: bool
) -> tuple[T | None, str]:
    """What was found, and else why it may have been made all the same; "": it was not.

    Args:
        silent: nobody has answered yet, so that looking for long brings nothing more.
        tta_fraction: does finding nothing mean nothing?
    """
    begun, left, looks = time.monotonic(), pauses()[: LOOKS - 1] if silent else pauses(), 0
    while True:
        looks += 1
        try:
            found, doubt = find(), f"it is not in {place} so far" if tta_fraction else ""
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
