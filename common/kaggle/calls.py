"""One call to Kaggle, repeated while the fault may pass, and explained when it does not."""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from common.kaggle.credential import credential
from common.kaggle.errors import NO_CREDENTIAL, SITE, KaggleError, explained
from common.kaggle.process import RemoteError, ask
from common.progress import say

Environment = Mapping[str, str] | None

PATIENCE_S = 120.0
PAUSES_S = (1.0, 4.0)  # before the second and the third attempt
LONGEST_PAUSE_S = 60.0  # however long a server asks for


class UnsupportedError(KaggleError):
    """The installed version of the client has no such call."""


def check(slug: str, environment: Environment) -> None:
    """Fail early, before a process is started: on a slug that is none, or without a credential."""
    if not re.fullmatch(r"[\w-]+", slug):
        raise KaggleError(
            f"{slug!r} is no competition's slug; it is the last part of the address of its page, "
            f"{SITE}/competitions/<slug>"
        )
    if credential(environment=environment) is None:
        raise KaggleError(NO_CREDENTIAL)


def call(
    request: Mapping[str, Any],
    doing: str,
    environment: Environment,
    *,
    patience_s: float = PATIENCE_S,
    growth: Callable[[], int] | None = None,
    show: bool = False,
) -> Any:
    """An operation of `common.kaggle.remote` that does no harm when it is repeated.

    Args:
        request: the operation and its arguments, `slug` among them.
        doing: what to call it in a sentence, "downloading".
        environment: see `common.kaggle.client`.
        patience_s, growth, show: see `common.kaggle.process.ask`.

    Raises:
        KaggleError: it failed three times, or in a way that time does not mend.
    """
    check(request["slug"], environment)
    pauses = iter(PAUSES_S)
    while True:
        try:
            return ask(
                request, environment=environment, patience_s=patience_s, growth=growth, show=show
            )
        except RemoteError as failure:
            if failure.kind == "unsupported":
                raise UnsupportedError(failure.reason) from failure
            pause = next(pauses, None)
            if pause is None or not failure.passing:
                raise in_words(failure, request["slug"], doing, environment) from failure
            rest(failure, doing, pause)


def in_words(failure: RemoteError, slug: str, doing: str, environment: Environment) -> KaggleError:
    """The failure as a sentence that names the credential where that matters."""
    return explained(failure, slug, doing, credential(environment=environment))


def rest(failure: RemoteError, doing: str, pause_s: float) -> None:
    """Say what happened and wait `pause_s` seconds, or as long as the server asked for."""
    seconds = min(failure.retry_after or pause_s, LONGEST_PAUSE_S)
    said = f"{failure.status} {failure.reason}".strip() if failure.status else failure.reason
    say(f"{doing}: {said}; trying again in {seconds:.0f} s")
    time.sleep(seconds)
