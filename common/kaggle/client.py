"""Download, submit, wait: what the kit's verbs ask of Kaggle.

Each function takes `environment`: variables for the client's process over this process's own, an
empty value removing one. By default the process's own environment counts, so that any loopback
server named by the client's own variables stands in for the site. All raise `KaggleError`.
"""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.kaggle.archive import download
from common.kaggle.calls import (
    PATIENCE_S,
    PAUSES_S,
    Environment,
    UnsupportedError,
    call,
    check,
    in_words,
    rest,
)
from common.kaggle.credential import Credential, credential
from common.kaggle.errors import SITE, KaggleError
from common.kaggle.process import RemoteError, ask
from common.progress import say

__all__ = [
    "Credential",
    "KaggleError",
    "Submission",
    "allowed_today",
    "credential",
    "download",
    "submissions",
    "submit",
    "wait",
]

SLOWEST_UPLOAD = 20_000  # bytes/s that a submission is given time for


@dataclass(frozen=True)
class Submission:
    """One row of the competition's list of submissions; a score is None until there is one."""

    ref: int
    status: str
    public: float | None
    private: float | None
    error: str
    description: str
    date: str
    file: str


def submit(slug: str, file: Path, message: str, *, environment: Environment = None) -> int:
    """Upload `file` as a submission described by `message` and return its number (ref).

    A mark of its own is put behind the message: when an answer is lost, the submission is looked
    for in the list before it is sent again, because the lost one may have counted.
    """
    check(slug, environment)
    if not file.is_file():
        raise KaggleError(f"there is no file {file} to submit")
    marked = f"{message} [{uuid.uuid4().hex[:8]}]"
    request = {
        "operation": "submit", "slug": slug, "file": str(file.resolve()), "message": marked,
    }  # fmt: skip
    patience_s = PATIENCE_S + file.stat().st_size / SLOWEST_UPLOAD
    pauses = iter(PAUSES_S)
    while True:
        try:
            ref = int(ask(request, environment=environment, patience_s=patience_s)["ref"])
            failure = RemoteError("other", "Kaggle's answer named no submission")
        except RemoteError as error:
            ref, failure = 0, error
        if ref:
            return ref
        may_have_counted = failure.passing or failure.kind in ("timeout", "other")
        pause = next(pauses, None)
        if may_have_counted:
            rest(failure, "submitting", pause or PAUSES_S[-1])
            ref = _already_there(slug, marked, failure, environment)
            if ref:
                return ref
        if pause is None or not may_have_counted:
            raise in_words(failure, slug, "submitting to", environment) from failure


def _already_there(slug: str, marked: str, failure: RemoteError, environment: Environment) -> int:
    """The number of the submission with this description; 0 when the list has none."""
    try:
        found = _listed(slug, environment, pages=1)
    except KaggleError as error:
        raise KaggleError(
            f"submitting to {slug}: {failure.reason}, and the list cannot be read to see whether "
            f"it counted; look at {SITE}/competitions/{slug}/submissions before sending it again"
        ) from error
    return next((row.ref for row in found if row.description == marked), 0)


def wait(
    slug: str, ref: int, timeout_s: float = 600.0, *, environment: Environment = None
) -> Submission:
    """Wait until submission `ref` is scored and return it.

    Raises:
        KaggleError: it was refused (with Kaggle's own reason), or is not scored in `timeout_s`.
    """
    begun = time.monotonic()
    pause = 0.5
    while True:
        request = {"operation": "submission", "slug": slug, "ref": ref}
        found = _submission(call(request, "asking about", environment))
        if found.status == "COMPLETE":
            return found
        if found.status == "ERROR":
            reason = (found.error or "no reason was given").rstrip(".")
            raise KaggleError(
                f"{slug} refused submission {ref} ({found.file}): {reason}; correct the file and "
                "submit it again"
            )
        waited = time.monotonic() - begun
        if waited + pause > timeout_s:
            raise KaggleError(
                f"submission {ref} to {slug} is not scored after {waited:.0f} s; look at "
                f"{SITE}/competitions/{slug}/submissions later"
            )
        say(f"submission {ref} is {found.status.lower()} ({waited:.0f} s)")
        time.sleep(pause)
        pause = min(pause * 2, 15.0)


def submissions(slug: str, *, environment: Environment = None) -> list[Submission]:
    """The team's submissions to a competition, newest first."""
    return _listed(slug, environment)


def allowed_today(slug: str, *, environment: Environment = None) -> int | None:
    """How many submissions are left today; None when the installed client cannot ask."""
    try:
        found = call({"operation": "limits", "slug": slug}, "asking about", environment)
    except UnsupportedError:
        return None
    return int(found["allowed"])


def _listed(slug: str, environment: Environment, **pages: int) -> list[Submission]:
    request = {"operation": "submissions", "slug": slug, **pages}
    return [_submission(row) for row in call(request, "asking about", environment)]


def _submission(row: Mapping[str, Any]) -> Submission:
    def number(text: str) -> float | None:
        return float(text) if text else None

    return Submission(**{**row, "public": number(row["public"]), "private": number(row["private"])})
