"""The official Kaggle client behind one JSON request (stdin) and one JSON answer (stdout).

Run as `python -m common.kaggle.child.main`. It is a process of its own because the client prints on
stdout, touches the network while it is imported, ends the process when it has no credential, and
waits for ever when nobody answers. No other module imports `kaggle`.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn
from urllib.parse import urlsplit

from common.kaggle.child.competitions import (
    competition,
    competition_status,
    create,
    download,
    files,
    known,
    leaderboard,
    limits,
    limits_and_newest,
    submission,
    submissions,
    upload,
)
from common.kaggle.child.datasets import OPERATIONS as DATASET_OPERATIONS
from common.kaggle.child.failure import OperationError, error_json
from common.kaggle.child.kernels import OPERATIONS as KERNEL_OPERATIONS
from common.kaggle.child.network_faults import intercept_answers
from common.kaggle.child.rpc import Request
from common.kaggle.credential import known_secrets, without_secrets

LOOPBACK = "http://localhost"
ORPHANED_S = 0.2  # for which it goes on at most; the next call takes longer to start


def check_loopback() -> None:
    """Before the import, which may already call out: does the environment lead to loopback?"""
    from requests.utils import get_environ_proxies, select_proxy

    proxy = select_proxy(LOOPBACK, get_environ_proxies(LOOPBACK))
    if os.environ.get("KAGGLE_API_ENVIRONMENT") != "LOCALHOST":
        raise OperationError("guard", "KAGGLE_API_ENVIRONMENT is not LOCALHOST")
    if urlsplit(str(proxy or "")).hostname != "127.0.0.1":
        raise OperationError("guard", "http_proxy does not lead to 127.0.0.1")


def signed_in() -> Any:
    """The authenticated client. SystemExit when it finds no credential."""
    guarded = os.environ.get("KIT_LOOPBACK_ONLY") == "1"
    if guarded:
        check_loopback()
    intercept_answers()
    import kaggle

    api = kaggle.api
    if guarded and api.build_kaggle_client().http_client()._endpoint != LOOPBACK:
        raise OperationError("guard", "the client's endpoint is not http://localhost")
    # 2.2 swallows a failed sign-in at import, 2.0 raises it there and lacks the mark.
    if not getattr(api, "_authenticated", True):
        api.authenticate()
    return api


def whoami(api: Any, request: Request) -> dict[str, Any]:
    """The account in effect, confirmed by one small call (a legacy key is not checked before)."""
    api.competitions_list(search=request.get("search", ""))
    values = api.config_values
    return {"username": values.get("username") or "", "method": str(values.get("auth_method", ""))}


OPERATIONS: Mapping[str, Callable[[Any, Request], Any]] = {
    "download": download,
    "files": files,
    "upload": upload,
    "create": create,
    "submissions": submissions,
    "submission": submission,
    "limits": limits,
    "limits_and_newest": limits_and_newest,
    "competition": competition,
    "competition_status": competition_status,
    "leaderboard": leaderboard,
    "known": known,
    "whoami": whoami,
    **DATASET_OPERATIONS,
    **KERNEL_OPERATIONS,
}


def answer(request: Request) -> dict[str, Any]:
    """Do what the request names: `{"result": …}` or `{"error": {…}}`."""
    try:
        return {"result": OPERATIONS[request["operation"]](signed_in(), request)}
    except (Exception, SystemExit) as error:  # the boundary of a process: the caller explains it
        found = error_json(error)
        values = getattr(getattr(sys.modules.get("kaggle"), "api", None), "config_values", {})
        secrets = [str(values.get(name) or "") for name in ("key", "token")]
        secrets += known_secrets(os.environ)
        return {"error": {**found, "reason": without_secrets(found["reason"], os.environ, secrets)}}


def exit_with_parent(parent: int) -> None:
    """Wait for this process's parent to end, and end too: nothing is left that writes files."""
    while os.getppid() == parent:
        time.sleep(ORPHANED_S)
    os._exit(1)


def main() -> NoReturn:
    """Read the request, answer it; whatever the client prints goes to stderr."""
    threading.Thread(target=exit_with_parent, args=[os.getppid()], daemon=True).start()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as channel:
        os.dup2(2, 1)
        channel.write(json.dumps(answer(json.load(sys.stdin))) + "\n")
    sys.exit(0)


if __name__ == "__main__":
    main()
