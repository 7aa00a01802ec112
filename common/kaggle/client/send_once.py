"""What must not be made twice: after a lost answer it is looked for before it is sent again."""

import time
from collections.abc import Callable
from typing import TypeVar

from common.kaggle.client.child_process import RemoteError
from common.kaggle.client.errors import KaggleError
from common.kaggle.client.waiting import pauses, rest

T = TypeVar("T")


class UnsureError(KaggleError):
    """Whether what was sent has arrived will only be known later."""


def once(
    doing: str,
    send: Callable[[], T],
    find: Callable[[], T | None],
    *,
    refused: Callable[[RemoteError], KaggleError],
    arrived: str,
    place: str,
    advice: str,
) -> T:
    """Send something that exists afterwards, and return what Kaggle calls it.

    Args:
        doing: "submitting to petals".
        send: one attempt; RemoteError when it failed.
        find: what Kaggle calls it, if it is there; None when it is not; KaggleError when that
            cannot be seen.
        refused: a failure in words.
        arrived: what it has then done, "counted".
        place: where it is looked for, "the list".
        advice: what to do while nobody can know, for the end of a sentence.

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
        if not counts and not (failure.passing and left):
            raise refused(failure) from failure
        pause = left.pop(0) if left else None
        then = f"looking whether it {arrived}" if counts else "trying again"
        rest(f"{doing}: {failure.words}", failure.retry_after or pause or 0.0, then)
        if counts:
            try:
                found, sure = _looked_for(find, failure)
                seen = f"it is not in {place} so far"
            except KaggleError:
                found, sure, seen = None, False, f"{place} cannot be read"
            if found is not None:
                return found
            if not sure:
                raise UnsureError(
                    f"{doing}: {failure.words}, and {seen}: whether it {arrived} is not known and "
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


def _looked_for(find: Callable[[], T | None], failure: RemoteError) -> tuple[T | None, bool]:
    """What was found, and whether finding nothing means that it was not made."""
    # Behind a gateway that gave up, too, somebody may still be at work on it.
    silent = failure.kind == "timeout" or failure.status in (408, 504)
    # Lists may lag behind what was made a moment ago.
    for pause in pauses()[:3] if silent else [0.0, *pauses()[:2]]:
        time.sleep(pause)
        found = find()
        if found is not None:
            return found, True
    return None, not silent
