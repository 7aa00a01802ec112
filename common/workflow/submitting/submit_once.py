"""Submit a run's file at most once, and resume after an interrupted call."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from common.kaggle import client
from common.kaggle.client.kernels import Pushed, submit_kernel
from common.kaggle.client.rerun_failures import remedy_for
from common.kaggle.client.waiting import listed_s, rest, silence_s
from common.progress import say
from common.runs import Run, digest_file

TRUSTED_S = 600.0  # after which a list without the submission is trusted without a count
RERUN_S = 13 * 3600.0  # the longest that a kernel may run again, and an hour before it begins


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
    """Submit `path` at most once; record it in the run as pending, and return the record.

    What is about to be sent is recorded first, with the mark that finds it: a call that was
    interrupted at any point is resumed, and what has arrived is never sent a second time.

    Args:
        again: send a file that was submitted before, or whose outcome is unknown; always so at the
            loopback host.
        environment: see `common.kaggle.client`.
        kernel: the version whose output holds the file: it is submitted from there, not uploaded.

    Raises:
        UnsureError: the outcome is not known yet.
        KaggleError: it was not submitted, or is the same file as an earlier one.
    """
    found = client.competition_status(slug, environment=environment)
    pending = run.read().get("submitting") or {}
    if pending.get("file") != digest_file(path):
        pending = {}
    earlier, found = _find_interrupted(slug, found, pending, environment)
    if earlier is not None:
        say(f"{path} was sent by a call before this one: submission {earlier.ref}")
        return _record_pending(run, earlier.ref, pending)
    if not again:
        _refuse_if_unknown(slug, path, found, pending)
        _refuse_duplicate(slug, run, path, found)
    client.check_can_submit(slug, found, from_kernel=kernel is not None)
    mark = pending.get("mark") or client.new_mark(path)
    pending = {"file": digest_file(path), "mark": mark, "message": message}
    run.note(submitting=pending)

    def sending(before: client.SubmissionCount | None) -> None:
        counted = asdict(before) if before else None
        run.note(submitting={**pending, "sent": time.time(), "before": counted})

    more: dict[str, Any] = {"mark": mark, "sending": sending, "environment": environment}
    try:
        if kernel is None:
            ref = client.submit(slug, path, message, **more)
        else:
            ref = submit_kernel(slug, kernel, path.name, message, **more)
    except client.UnsureError:
        raise
    except client.KaggleError:  # surely not submitted: the next call has nothing to look for
        run.note(submitting=pending)
        raise
    done = "has arrived" if kernel is None else f"is submitted from version {kernel.version}"
    say(f"{path} {done}: submission {ref}; waiting for its score")
    return _record_pending(run, ref, pending)


def await_score(
    slug: str,
    run: Run,
    sent: Mapping[str, Any],
    *,
    from_kernel: bool = False,
    environment: Mapping[str, str] | None,
) -> dict[str, Any]:
    """Wait for the score of what `submit_once` returned; note and return it.

    Raises:
        SubmissionError: Kaggle could not score it; its reason is noted in the run.
        KaggleError: there is no score yet; the submission stays pending, and the next call of
            `submit_once` finds it.
    """
    try:
        visible = _visible(run) if from_kernel else None
        scored = client.wait(
            slug,
            sent["ref"],
            RERUN_S if from_kernel else client.SCORED_S,
            remedy=partial(remedy_for, visible=visible),
            environment=environment,
        )
    except client.SubmissionError as refusal:
        _note(run, {**sent, "status": "error", "error": str(refusal)}, submitting=None)
        raise
    told = {"public": scored.public, "private": scored.private, "status": "complete"}
    return _note(run, {**sent, **told}, submitting=None)


def _visible(run: Run) -> dict[str, Any] | None:
    """What the run's kernel told of the visible test set; None where it did more than predict."""
    facts = run.read()
    told = facts["kernel"].get("visible")
    return None if told is None else told | {"forecast": facts.get("forecast")}


def _find_interrupted(
    slug: str,
    found: client.CompetitionStatus,
    pending: Mapping[str, Any],
    environment: Mapping[str, str] | None,
) -> tuple[client.Submission | None, client.CompetitionStatus]:
    """The submission of an interrupted call, None if it is not listed; and the status by now.

    Kaggle may still have been processing it when the call ended, so the list is polled for a while.
    """
    while pending:
        earlier = found.find_mark(pending["mark"])
        left = pending.get("sent", 0.0) + max(2 * silence_s(), listed_s()) - time.time()
        if earlier is not None or left <= 0:
            return earlier, found
        rest(
            "this file was sent by a call that was cut off; it is not in the list yet",
            min(left, 5),
            "looking again",
        )
        found = client.competition_status(slug, environment=environment)
    return None, found


def _before(pending: Mapping[str, Any]) -> client.SubmissionCount | None:
    """The submission count before an earlier call sent the file; None where it is not known."""
    return client.SubmissionCount.of(pending["before"]) if pending.get("before") else None


def _refuse_if_unknown(
    slug: str, path: Path, found: client.CompetitionStatus, pending: Mapping[str, Any]
) -> None:
    """Raise an UnsureError when an earlier call sent the file and its outcome is unknown."""
    if "sent" not in pending:
        return
    hidden = client.count_unlisted(_before(pending), found)
    sent, trusted = (pending["sent"] + more for more in (0.0, TRUSTED_S))
    if not (doubt := client.why_unsure(hidden)) or (hidden is None and time.time() >= trusted):
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


def _record_pending(run: Run, ref: int, pending: Mapping[str, Any]) -> dict[str, Any]:
    """Record a submission without a score, unless an earlier call did; return the record."""
    for sent in run.read().get("submitted", []):
        if sent.get("mark") == pending["mark"]:
            return dict(sent)
    return _note(
        run,
        {
            "ref": ref,
            "public": None,
            "private": None,
            "status": "pending",
            "message": pending["message"],
            "file": pending["file"],
            "predictions": run.read().get("predictions"),
            "mark": pending["mark"],
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )


def _note(run: Run, sent: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """Record `sent` as the last of the run's submissions, replacing its earlier record."""
    known = run.read().get("submitted", [])
    others = [each for each in known if each.get("mark") != sent["mark"]]
    run.note(submitted=[*others, sent], **facts)
    return sent


def _refuse_duplicate(slug: str, run: Run, path: Path, found: client.CompetitionStatus) -> None:
    """Raise a KaggleError when the file is in the team's list, or in the run's record."""
    digest = digest_file(path)
    noted = [sent for sent in run.read().get("submitted", []) if sent["file"] == digest]
    row = found.find_mark(client.digest_mark(digest))
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
