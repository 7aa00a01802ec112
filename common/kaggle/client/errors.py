"""What went wrong with Kaggle, as one sentence: what, where, and what to do."""

import difflib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from common.errors import KitError
from common.kaggle.client.child_process import RemoteError
from common.kaggle.credential import Credential
from common.kaggle.credential_faults import not_accepted

SITE = "https://www.kaggle.com"
# What a 403 or a 404 may mean, by the kind of thing it is about.
HINTS = {
    "kernel": "; is its name misspelt, is it deleted, or is it another account's?",
    "dataset": f"; see at {SITE}/settings whether the account may make datasets",
}
# What an answer without a reason most often means, by what was being done.
USUALLY = {
    "submitting": "the day's submissions are used up, the deadline has passed, the rules are not "
    "accepted, or the file is not named as the competition wants it",
    "downloading": "the rules are not accepted, or the competition's files are not offered any more",
    "pushing": "the title is another kernel's, the script is too large, or the account's GPU hours or "
    "sessions are used up",
    "uploading": "the file is empty or too large, or its name is not allowed",
    "publishing": "the name is taken, or the account's space is used up",
}


class KaggleError(KitError):
    """Kaggle, or the way to it, refused; the message says what to do."""


def failure_message(
    failure: RemoteError,
    slug: str,
    doing: str,
    *,
    used: Credential | None = None,
    hidden: Credential | None = None,
    known: Sequence[str] | None = None,
    what: str = "competition",
    hint: str = "",
) -> KaggleError:
    """The failure of `doing` ("downloading") with `slug`, in words.

    Args:
        used: the credential in effect.
        hidden: a further one that it hides.
        known: slugs that Kaggle knows; None when it was not asked.
        what: the kind of thing that `slug` names.
        hint: what the form of the credential tells, as a clause.
    """
    words = failure.reason.rstrip(".")
    told = (401, 403, 404) if what == "competition" else (401,)
    if failure.kind == "http" and failure.status not in told:
        meant = HINTS.get(what, "") if failure.status in (403, 404) else ""
        return KaggleError(_refused(failure, words, slug, doing) + meant)
    if failure.kind == "http" and failure.status != 401:
        return KaggleError(_unknown(failure.status, words, slug, doing, known))
    if failure.kind in ("http", "credential") and used is not None:
        said = f" (401: {words or 'no reason given'})" if failure.status else ""
        return KaggleError(f"{doing} {slug}: {not_accepted(used, hidden, said)}{hint}")
    unchanged = "nothing was submitted" if what == "competition" else f"the {what} is as it was"
    return KaggleError(
        {
            "setting": f"{doing} {slug}: {words}",
            "portal": f"{doing} {slug}: in place of Kaggle's answer came {words}: a network's login "
            "page, or a proxy's, stands between; open any page in a browser, sign in there, then try again",
            "connection": f"{doing} {slug}: Kaggle could not be reached ({words}); check the "
            "network and any proxy variables, then try again",
            "cut": f"{doing} {slug}: {words}, again and again; they are kept, and the same command "
            "goes on from there",
            "timeout": f"{doing} {slug}: Kaggle gave {words}; try again later",
            "storage": f"{doing} {slug}: Kaggle's store gave {failure.words}; "
            f"{again(failure)}, what has arrived is kept",
            "upload": f"{doing} {slug}: {words}; {unchanged}, {again(failure, 'try again')}",
            "missing": f"the Kaggle client cannot be loaded ({words}); run: pip install kaggle six",
            "guard": f"{doing} {slug}: refused, because KIT_LOOPBACK_ONLY=1 and {words}; unset it "
            "to reach the real site",
            "disk": f"{doing} {slug}: {words}; free some space and make the folder writable",
        }.get(
            failure.kind,
            f"{doing} {slug}: the Kaggle client failed ({words}); try again later, "
            "or with a newer one: pip install -U kaggle",
        )
    )


def _unknown(status: int, words: str, slug: str, doing: str, known: Sequence[str] | None) -> str:
    """403 and 404: the site answers a misspelt slug with either, and unaccepted rules with 403."""
    said = (
        f"{doing} {slug}: Kaggle refused ({status}: {words})"
        if words
        else (f"{doing} {slug}: Kaggle refused ({status})")
    )
    rules = f"accept the rules at {SITE}/competitions/{slug}/rules while signed in"
    if "disabled" in words:
        return f"{said}; the competition takes no submissions any more"
    if known is not None and slug in known:
        return f"{said}; {rules}" if status == 403 else f"{said}; try again later"
    close = difflib.get_close_matches(slug, known or [], n=1, cutoff=0.5)
    if close:
        return f"{said}; it knows no competition of that slug: did you mean {close[0]}?"
    return f"{said}; check the spelling of the slug, or {rules}"


def _refused(failure: RemoteError, words: str, slug: str, doing: str) -> str:
    said = f"{failure.status}: {words}" if words else str(failure.status)
    if failure.status == 429:
        return f"{doing} {slug}: too many requests ({said}); {again(failure, 'wait some minutes and try again')}"
    if failure.broken:
        return f"{doing} {slug}: Kaggle is in trouble ({said}); {again(failure)}"
    usually = next((text for start, text in USUALLY.items() if doing.startswith(start)), "")
    if failure.status == 413:
        usually = "what was sent is too large"
    if words or not usually:
        return f"{doing} {slug}: Kaggle refused ({said})"
    return f"{doing} {slug}: Kaggle refused ({said}) and gave no reason; most often {usually}"


def again(failure: RemoteError, otherwise: str = "try again later") -> str:
    """When to try again, by the hour that the server asks for."""
    seconds = failure.retry_after
    if not seconds:
        return otherwise
    now = datetime.now(UTC)
    then = now + timedelta(seconds=seconds)
    day = "" if then.date() == now.date() else f" on {then:%Y-%m-%d}"
    return f"it asks to be left alone until {then:%H:%M:%S} UTC{day} ({_span(seconds)}): try again then"


def _span(seconds: int) -> str:
    hours, minutes = divmod(-(-seconds // 60), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"
