"""What went wrong with Kaggle, as one sentence: what, where, and what to do."""

from common.kaggle.credential import Credential
from common.kaggle.process import RemoteError

SITE = "https://www.kaggle.com"
NO_CREDENTIAL = (
    f"no Kaggle credential was found: create an API token at {SITE}/settings and save it as "
    "~/.kaggle/access_token (or kaggle.json as ~/.kaggle/kaggle.json), or set KAGGLE_API_TOKEN"
)


class KaggleError(ValueError):
    """Kaggle, or the way to it, refused; the message says what to do."""


def explained(
    failure: RemoteError, slug: str, doing: str, credential: Credential | None
) -> KaggleError:
    """The failure of `doing` ("downloading") with the competition `slug`, in words."""
    words = failure.reason.rstrip(".")
    if failure.kind == "http":
        return KaggleError(_refused(failure.status, words, slug, doing, credential))
    if failure.kind == "credential" and credential is not None:
        return KaggleError(
            f"Kaggle did not accept the {_named(credential)}: it is wrong or has expired; create a "
            f"new one at {SITE}/settings"
        )
    return KaggleError(
        {
            "credential": NO_CREDENTIAL,
            "connection": f"{doing} {slug}: Kaggle could not be reached ({words}); check the "
            "network and any proxy variables, then try again",
            "timeout": f"{doing} {slug}: Kaggle gave {words}; try again later",
            "upload": f"{doing} {slug}: {words}; nothing was submitted, try again",
            "missing": f"the Kaggle client cannot be loaded ({words}); run: pip install kaggle six",
            "guard": f"{doing} {slug}: refused, because KIT_LOOPBACK_ONLY=1 and {words}; unset it "
            "to reach the real site",
            "disk": f"{doing} {slug}: {words}; free some space and make the folder writable",
        }.get(failure.kind, f"{doing} {slug}: the Kaggle client failed ({words}); try again later")
    )


def _refused(status: int, words: str, slug: str, doing: str, credential: Credential | None) -> str:
    said = f"{status}: {words}" if words else str(status)
    if status == 401:
        named = _named(credential) if credential else "credential (none was found)"
        return (
            f"{doing} {slug}: Kaggle did not accept the {named} ({said}); create a new one at "
            f"{SITE}/settings, or remove that one if another was meant"
        )
    if status == 403:
        return (
            f"{doing} {slug}: Kaggle refused ({said}); accept the rules at "
            f"{SITE}/competitions/{slug}/rules while signed in, and check the spelling of the slug"
        )
    if status == 404:
        return f"{doing} {slug}: Kaggle does not know it ({said}); check the spelling of the slug"
    if status == 429:
        return f"{doing} {slug}: too many requests ({said}); wait some minutes and try again"
    if status >= 500:
        return f"{doing} {slug}: Kaggle is in trouble ({said}); try again later"
    return f"{doing} {slug}: Kaggle refused ({said})"


def _named(credential: Credential) -> str:
    owner = f" of {credential.username}" if credential.username else ""
    return f"{credential.kind}{owner} from {credential.source}"
