"""A run's file handed in to Kaggle: once, and taken up again where a call was cut off."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.kaggle import client
from common.kaggle.patience import rest, silence_s
from common.progress import say
from common.runs import Run, digest_file


def hand_in(
    slug: str, run: Run, path: Path, message: str, *, again: bool,
    environment: Mapping[str, str] | None,
) -> dict[str, Any]:  # fmt: skip
    """Submit `path`, wait for its score, note both in the run, and return what was noted.

    What is about to be sent is noted first, with the mark it can be found by: a call that was cut
    off at any point is gone on with, and never sends a second time what has arrived.

    Args:
        again: send a file that was submitted before; always so at the kit's own Kaggle.
        environment: see `common.kaggle.client`.

    Raises:
        KaggleError: it was not submitted, not scored, or is the same file as an earlier one.
    """
    found = client.standing(slug, environment=environment)
    begun = run.read().get("submitting") or {}
    if begun.get("file") != digest_file(path):
        begun = {}
    there = _arrived(slug, found, begun, environment)
    if there is not None:
        say(f"{path} is there already, from a call that was cut off: submission {there.ref}")
        return _waited_for(slug, run, there.ref, begun, environment)
    if not again:
        _refuse_the_same(slug, run, path, found)
    client.allow(slug, found)
    mark = begun.get("mark") or client.new_mark(path)
    begun = {"file": digest_file(path), "mark": mark, "message": message}
    run.note(submitting=begun)
    try:
        ref = client.submit(
            slug, path, message, mark=mark, environment=environment,
            sending=lambda: run.note(submitting={**begun, "sent": time.time()}),
        )  # fmt: skip
    except client.UnsureError:
        raise
    except client.KaggleError:  # surely not submitted: the next call has nothing to look for
        run.note(submitting=begun)
        raise
    return _waited_for(slug, run, ref, begun, environment)


def _arrived(
    slug: str, found: client.Standing, begun: Mapping[str, Any],
    environment: Mapping[str, str] | None,
) -> client.Submission | None:  # fmt: skip
    """The submission that a call made before it was cut off; None when there surely is none.

    Kaggle may have been at work on it still when the call ended, so the list is looked at until
    that is long ago.
    """
    while begun:
        there = found.marked(begun["mark"])
        left = begun.get("sent", 0.0) + 2 * silence_s() - time.time()
        if there is not None or left <= 0:
            return there
        rest(
            "this file was sent by a call that was cut off; it is not in the list yet", min(left, 5)
        )
        found = client.standing(slug, environment=environment)
    return None


def _waited_for(
    slug: str, run: Run, ref: int, begun: dict[str, Any], environment: Mapping[str, str] | None
) -> dict[str, Any]:
    try:
        scored = client.wait(slug, ref, environment=environment)
    except client.SubmissionError:  # known for good: nothing is left to go on with
        run.note(submitting=None)
        raise
    sent = {
        "ref": ref, "public": scored.public, "private": scored.private,
        "message": begun["message"], "file": begun["file"],
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    run.note(submitted=[*run.read().get("submitted", []), sent], submitting=None)
    return sent


def _refuse_the_same(slug: str, run: Run, path: Path, found: client.Standing) -> None:
    """Raise when this very file is in the team's list, or in the run's own record."""
    row = found.marked(client.digest_mark(path))
    if row is not None:
        scored = row.error or f"public score {row.public if row.public is not None else 'not told'}"
        said = f"submission {row.ref} of {row.date[:10]}, {row.status.lower()}: {scored}"
    else:
        noted = [
            sent for sent in run.read().get("submitted", []) if sent["file"] == digest_file(path)
        ]
        if not noted:
            return
        said = f"submission {noted[-1]['ref']}, public score {noted[-1]['public']}"
    raise client.KaggleError(
        f"{path} was submitted to {slug} before ({said}) and would score the same: --again sends it"
    )
