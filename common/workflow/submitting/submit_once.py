"""A run's submission.csv uploaded at most once, resumed after an interrupted call."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.kaggle import client
from common.kaggle.client.kernels import Pushed, submit_kernel
from common.kaggle.client.waiting import listed_s, rest, silence_s
from common.progress import say
from common.runs import Run, digest_file

TRUSTED_S = 600.0  # seconds after which a list without the submission is trusted


def submit_once(
    slug: str,
    run: Run,
    path: Path,
    message: str,
    *,
    again: bool,
    environment: Mapping[str, str] | None,
    kernel: Pushed | None = None,
) -> dict[str, Any]:
    """Submit `path` at most once; returns the pending submission as recorded in the run.

    A mark in the description is recorded before the upload, so that the next call after an
    interruption finds the submission and does not send it again.

    Args:
        again: submit a file that was submitted before, or may have been; always so at the local
            Kaggle.
        environment: see `common.kaggle.client`.
        kernel: the version whose output holds the file: it is submitted from there, not uploaded.

    Raises:
        UnsureError: it is unknown whether it was submitted.
        KaggleError: it was not submitted, or an identical file was submitted before.
    """
    found = client.standing(slug, environment=environment)
    begun = run.read().get("submitting") or {}
    if begun.get("file") != digest_file(path):
        begun = {}
    there, found = _looked_for(slug, found, begun, environment)
    if there is not None:
        say(f"{path} was sent by a call before this one: submission {there.ref}")
        return _arrived(run, there.ref, begun)
    if not again:
        _refuse_the_unsure(slug, path, found, begun)
        _refuse_the_same(slug, run, path, found)
    client.allow(slug, found, from_kernel=kernel is not None)
    mark = begun.get("mark") or client.new_mark(path)
    begun = {"file": digest_file(path), "mark": mark, "message": message}
    run.note(submitting=begun)

    def sending(before: client.Count | None) -> None:
        counted = asdict(before) if before else None
        run.note(submitting={**begun, "sent": time.time(), "before": counted})

    more: dict[str, Any] = {"mark": mark, "sending": sending, "environment": environment}
    try:
        if kernel is None:
            ref = client.submit(slug, path, message, **more)
        else:
            ref = submit_kernel(slug, kernel, path.name, message, **more)
    except client.UnsureError:
        raise
    except client.KaggleError:  # surely not submitted: the next call has nothing to look for
        run.note(submitting=begun)
        raise
    done = "has arrived" if kernel is None else f"is submitted from version {kernel.version}"
    say(f"{path} {done}: submission {ref}; waiting for its score")
    return _arrived(run, ref, begun)


def await_score(
    slug: str, run: Run, sent: Mapping[str, Any], *, environment: Mapping[str, str] | None
) -> dict[str, Any]:
    """Wait for the score of a submission from `submit_once`; returns it as recorded in the run.

    Raises:
        SubmissionError: Kaggle could not score it; its reason is noted in the run.
        KaggleError: no score yet; the submission stays pending.
    """
    try:
        scored = client.wait(slug, sent["ref"], environment=environment)
    except client.SubmissionError as refusal:
        _note(run, {**sent, "status": "error", "error": str(refusal)}, submitting=None)
        raise
    told = {"public": scored.public, "private": scored.private, "status": "complete"}
    return _note(run, {**sent, **told}, submitting=None)


def _looked_for(
    slug: str,
    found: client.Standing,
    begun: Mapping[str, Any],
    environment: Mapping[str, str] | None,
) -> tuple[client.Submission | None, client.Standing]:
    """An interrupted call's submission, if Kaggle lists it, and the team's current status.

    Kaggle may list it late, so the list is polled until the upload is long ago.
    """
    while begun:
        there = found.marked(begun["mark"])
        left = begun.get("sent", 0.0) + max(2 * silence_s(), listed_s()) - time.time()
        if there is not None or left <= 0:
            return there, found
        rest(
            "this file was sent by a call that was cut off; it is not in the list yet",
            min(left, 5),
            "looking again",
        )
        found = client.standing(slug, environment=environment)
    return None, found


def _before(begun: Mapping[str, Any]) -> client.Count | None:
    """The submission counts before an earlier call's upload; None if unknown."""
    return client.Count.of(begun["before"]) if begun.get("before") else None


def _refuse_the_unsure(
    slug: str, path: Path, found: client.Standing, begun: Mapping[str, Any]
) -> None:
    """Raise an UnsureError if an earlier call sent the file and its outcome is unknown."""
    if "sent" not in begun:
        return
    hidden = client.unlisted(_before(begun), found)
    sent, trusted = (begun["sent"] + more for more in (0.0, TRUSTED_S))
    if not (doubt := client.unseen(hidden)) or (hidden is None and time.time() >= trusted):
        return
    at, then = (
        datetime.fromtimestamp(each, UTC).strftime("%H:%M:%S UTC") for each in (sent, trusted)
    )
    later = f", and sends it from {then} on if it is not there" if hidden is None else ""
    raise client.UnsureError(
        f"{path} was sent to {slug} at {at} by a call that was cut off; {doubt}: cannot tell whether "
        f"it counted, and nothing was sent again; the same command looks once more first{later}, or look at "
        f"{client.list_of(slug)} yourself: --again sends it if it is not there"
    )


def _arrived(run: Run, ref: int, begun: Mapping[str, Any]) -> dict[str, Any]:
    """Record a pending submission in the run, unless it is recorded."""
    for sent in run.read().get("submitted", []):
        if sent.get("mark") == begun["mark"]:
            return dict(sent)
    return _note(
        run,
        {
            "ref": ref,
            "public": None,
            "private": None,
            "status": "pending",
            "message": begun["message"],
            "file": begun["file"],
            "mark": begun["mark"],
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )


def _note(run: Run, sent: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """Record `sent` as the run's last submission, replacing an earlier record of it."""
    known = run.read().get("submitted", [])
    others = [each for each in known if each.get("mark") != sent["mark"]]
    run.note(submitted=[*others, sent], **facts)
    return sent


def _refuse_the_same(slug: str, run: Run, path: Path, found: client.Standing) -> None:
    """Raise a KaggleError if an identical file is in the team's list or the run's record."""
    digest = digest_file(path)
    noted = [sent for sent in run.read().get("submitted", []) if sent["file"] == digest]
    row = found.marked(client.digest_mark(digest))
    if row is not None:
        ref, date, public, error = row.ref, row.date, row.public, row.error
    elif noted:
        ref, date, public = (noted[-1][name] for name in ("ref", "time", "public"))
        error = noted[-1].get("error")
    else:
        return
    told = error or ("no score yet" if public is None else f"public score {public}")
    raise client.KaggleError(
        f"{path} was submitted to {slug} before (submission {ref} of {date[:10]}: {told}) and would "
        "fare the same: --again sends it"
    )
