"""The official Kaggle client behind one JSON request (stdin) and one JSON answer (stdout).

Run as `python -m common.kaggle.remote`. It is a process of its own because the client prints on
stdout, touches the network while it is imported, ends the process when it has no credential, and
waits for ever when nobody answers. No other module imports `kaggle`.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from common.kaggle.credential import secrets_of, without_secrets
from common.kaggle.dataset_calls import OPERATIONS as DATASET_OPERATIONS
from common.kaggle.failure import NO_SUCH_CALL, OperationError, described, refused_with
from common.kaggle.fetch import fetch
from common.kaggle.kernel_calls import OPERATIONS as KERNEL_OPERATIONS
from common.kaggle.lists import PAGES, Request, files, known, plain_submission, submissions
from common.kaggle.uploading import put
from common.kaggle.wire import rpc

LOOPBACK = "http://localhost"
ORPHANED_S = 0.2  # for which it goes on at most; the next call takes longer to start


def guard_surroundings() -> None:
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
        guard_surroundings()
    import kaggle

    api = kaggle.api
    if guarded and api.build_kaggle_client().http_client()._endpoint != LOOPBACK:
        raise OperationError("guard", "the client's endpoint is not http://localhost")
    # 2.2 swallows a failed sign-in at import, 2.0 raises it there and lacks the mark.
    if not getattr(api, "_authenticated", True):
        api.authenticate()
    return api


def download(api: Any, request: Request) -> dict[str, Any]:
    """All files of a competition as `file`; the MD5 that the store states, or ""."""
    answer = rpc(api, "DownloadDataFiles", competition_name=request["slug"])
    silence_s, bar = float(request["silence_s"]), bool(request.get("bar"))
    return {"md5": fetch(answer, Path(request["file"]), silence_s=silence_s, bar=bar)}


def upload(api: Any, request: Request) -> dict[str, Any]:
    """The bytes of a submission; nothing is submitted by it. The token stands for them."""
    path = Path(request["file"])
    found = path.stat()
    begun = rpc(
        api, "StartSubmissionUpload", competition_name=request["slug"], file_name=path.name,
        content_length=found.st_size, last_modified_epoch_seconds=int(found.st_mtime),
    )  # fmt: skip
    put(api, path, begun.create_url)
    return {"token": begun.token}


def create(api: Any, request: Request) -> dict[str, Any]:
    """Make a submission of what was uploaded: the one call that must not be repeated blindly."""
    answer = rpc(
        api, "CreateSubmission", competition_name=request["slug"],
        blob_file_tokens=request["token"], submission_description=request["message"],
    )  # fmt: skip
    return {"ref": answer.ref or 0, "message": answer.message}


def submission(api: Any, request: Request) -> dict[str, Any]:
    """One submission by its number, or out of the list where the site tells of none alone."""
    from requests import HTTPError

    try:
        return plain_submission(rpc(api, "GetSubmission", ref=request["ref"]))
    except HTTPError as error:
        if not refused_with(error, NO_SUCH_CALL):
            raise
        rows = submissions(api, {**request, "pages": 1})
        found = next((row for row in rows if row["ref"] == request["ref"]), None)
        if found is None:
            raise
        return found


def limits(api: Any, request: Request) -> dict[str, Any]:
    """How many submissions were made and are still allowed today."""
    if not hasattr(api, "competition_get_submission_limits"):
        raise OperationError(
            "unsupported", "this version of the kaggle package cannot ask for limits"
        )
    found = api.competition_get_submission_limits(request["slug"])
    return {
        "today": found.num_today or 0,
        "total": found.num_total or 0,
        "allowed": found.num_allowed_now or 0,
        "capped": bool(getattr(found, "limited_by_total", False)),
    }


def competition(api: Any, request: Request) -> dict[str, Any]:
    """The facts the site states about a competition."""
    found = rpc(api, "GetCompetition", competition_name=request["slug"])
    return {
        "title": found.title or "",
        "metric": found.evaluation_metric or "",
        "deadline": found.deadline.isoformat() if found.deadline else "",
        "daily": found.max_daily_submissions,
        "entered": found.user_has_entered,
        "code_only": found.is_kernels_submissions_only,
        "closed": found.submissions_disabled,
    }


def standing(api: Any, request: Request) -> dict[str, Any]:
    """What to know before a submission, in one process: facts, limits, submissions so far.

    Limits None: the client cannot ask for them, or the site does not tell them.
    """
    from requests import HTTPError

    facts, left = competition(api, request), None
    try:
        if hasattr(api, "competition_get_submission_limits"):
            left = limits(api, request)
    except HTTPError as error:
        if not refused_with(error, NO_SUCH_CALL):
            raise
    return {"facts": facts, "limits": left, "submissions": submissions(api, request)}


def leaderboard(api: Any, request: Request) -> list[dict[str, Any]]:
    """The leaderboard, best first; read page by page, and no file is written."""
    found: list[dict[str, Any]] = []
    token = ""
    for _ in range(PAGES):
        fields = {"competition_name": request["slug"], "page_size": 200}
        page = rpc(api, "GetLeaderboard", **fields, **({"page_token": token} if token else {}))
        found += [
            {
                "rank": len(found) + number,
                "team": row.team_name or "",
                "score": row.score or "",
                "date": row.submission_date.isoformat() if row.submission_date else "",
            }
            for number, row in enumerate(page.submissions, 1)
        ]
        token = page.next_page_token
        if not token:
            break
    return found


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
    "competition": competition,
    "standing": standing,
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
        found = described(error)
        values = getattr(getattr(sys.modules.get("kaggle"), "api", None), "config_values", {})
        secrets = [str(values.get(name) or "") for name in ("key", "token")]
        secrets += secrets_of(os.environ)
        return {"error": {**found, "reason": without_secrets(found["reason"], os.environ, secrets)}}


def end_with(parent: int) -> None:
    """Wait for this process's parent to end, and end too: nothing is left that writes files."""
    while os.getppid() == parent:
        time.sleep(ORPHANED_S)
    os._exit(1)


def main() -> NoReturn:
    """Read the request, answer it; whatever the client prints goes to stderr."""
    threading.Thread(target=end_with, args=[os.getppid()], daemon=True).start()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as channel:
        os.dup2(2, 1)
        channel.write(json.dumps(answer(json.load(sys.stdin))) + "\n")
    sys.exit(0)


if __name__ == "__main__":
    main()
