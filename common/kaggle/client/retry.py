"""One call to Kaggle, retried with backoff on transient faults; other faults become a KaggleError."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from common.kaggle.client.child_process import RemoteError, ask
from common.kaggle.client.errors import SITE, KaggleError, failure_message
from common.kaggle.client.waiting import pauses, rest, silence_s
from common.kaggle.credential import credential, shadowed
from common.kaggle.credential_faults import credential_fault, form_hint, warn_if_readable
from common.kaggle.protocol import LONGEST_PAUSE_S

Environment = Mapping[str, str] | None

SILENCES = 2  # of one call that are borne; each takes long
ATTEMPTS = 50  # of a call that gets on a little each time


class UnsupportedError(KaggleError):
    """The installed version of the client has no such call."""


def check(slug: str, environment: Environment) -> None:
    """Fail early, before a process is started: on a slug that is none, or without a credential."""
    if not re.fullmatch(r"[\w-]+", slug):
        raise KaggleError(
            f"{slug!r} is no competition's slug; it is the last part of the address of its page, "
            f"{SITE}/competitions/<slug>"
        )
    if fault := credential_fault(environment):
        raise KaggleError(fault)
    if used := credential(environment=environment):
        warn_if_readable(used)


def call(
    request: Mapping[str, Any],
    doing: str,
    environment: Environment,
    *,
    patience_s: float | None = None,
    growth: Callable[[], int] | None = None,
    show: bool = False,
    what: str = "competition",
) -> Any:
    """An operation of `common.kaggle.child` that does no harm when it is repeated.

    Args:
        request: the operation and its arguments, `slug` among them.
        doing: what to call it in a sentence, "downloading".
        environment: see `common.kaggle.client`.
        patience_s, growth, show: see `common.kaggle.process.ask`; a call that has grown may fail
            as often again.
        what: the kind of thing that `slug` names.

    Raises:
        KaggleError: it failed too often, or in a way that time does not mend.
    """
    check(request["slug"].rpartition("/")[2], environment)
    patience_s = patience_s or silence_s()
    left, silences, reached = pauses(), 0, growth() if growth else 0
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return ask(
                request, environment=environment, patience_s=patience_s, growth=growth, show=show
            )
        except RemoteError as failure:
            if failure.kind == "unsupported":
                raise UnsupportedError(failure.reason) from failure
            if growth and growth() > reached:
                left, silences, reached = pauses(), 0, growth()
            silences += failure.kind == "timeout"
            passing = failure.passing and failure.retry_after <= LONGEST_PAUSE_S
            if not passing or not left or silences > SILENCES or attempt == ATTEMPTS:
                raise explain_failure(
                    failure, request["slug"], doing, environment, what=what
                ) from failure
            rest(f"{doing} {request['slug']}: {failure.words}", failure.retry_after or left.pop(0))
    raise AssertionError  # the last attempt returns or raises


def explain_failure(
    failure: RemoteError,
    slug: str,
    doing: str,
    environment: Environment,
    *,
    what: str = "competition",
) -> KaggleError:
    """The failure as a sentence that names the credential, and the competition that was meant."""
    found: list[str] | None = None
    if what == "competition" and failure.kind == "http" and failure.status in (403, 404):
        try:
            found = ask({"operation": "known", "slug": slug}, environment=environment)
        except RemoteError:  # then there is no hint
            found = None
    hidden = shadowed(environment=environment)
    used = credential(environment=environment)
    if used is None and (failure.kind == "credential" or failure.status == 401):
        return KaggleError(credential_fault(environment))
    return failure_message(
        failure,
        slug,
        doing,
        used=used,
        hidden=hidden,
        known=found,
        what=what,
        hint=form_hint(environment),
    )
