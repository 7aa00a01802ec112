"""The official Kaggle client behind one JSON request (stdin) and one JSON answer (stdout).

Run as `python -m common.kaggle.remote`. It is a process of its own because the client prints on
stdout, touches the network while it is imported, ends the process when it has no credential, and
waits for ever when nobody answers. No other module imports `kaggle`.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn
from urllib.parse import urlsplit

from common.kaggle.credential import without_secrets
from common.kaggle.remote_board import leaderboard

LOOPBACK = "http://localhost"
PAGES = 20  # of a list; enough for every list the kit reads, and an end if a server repeats itself

Request = Mapping[str, Any]


class OperationError(Exception):
    """What this module itself refuses; `kind` tells the caller's process why."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


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
    """All files of a competition as `<slug>.zip` in `folder`."""
    api.competition_download_files(
        request["slug"], path=request["folder"], quiet=not request.get("bar", False)
    )
    return {}


def files(api: Any, request: Request) -> list[dict[str, Any]]:
    """Every file of a competition: name and bytes."""
    found: dict[str, dict[str, Any]] = {}
    token: str | None = None
    for _ in range(PAGES):
        page = api.competition_list_files(request["slug"], page_token=token, page_size=200)
        found |= {file.name: {"name": file.name, "bytes": file.total_bytes} for file in page.files}
        token = page.next_page_token
        if not token:
            break
    return list(found.values())


def submit(api: Any, request: Request) -> dict[str, Any]:
    """Upload, then CreateSubmission; a failed upload comes back as an answer without a number."""
    answer = api.competition_submit(
        request["file"], request["message"], request["slug"], quiet=True
    )
    ref = getattr(answer, "ref", 0) or 0
    if not ref and answer.message == "Could not submit to competition":
        raise OperationError("upload", "the file did not arrive whole")
    return {"ref": ref, "message": answer.message}


def submissions(api: Any, request: Request) -> list[dict[str, Any]]:
    """The team's submissions, newest first, the first `pages` pages of them."""
    found: dict[int, dict[str, Any]] = {}
    for number in range(1, min(request.get("pages", PAGES), PAGES) + 1):
        page = api.competition_submissions(request["slug"], page_number=number, page_size=100)
        new = {item.ref: plain_submission(item) for item in page or [] if item.ref not in found}
        if not new:  # a page past the end is empty, or the last one again
            break
        found |= new
    return list(found.values())


def submission(api: Any, request: Request) -> dict[str, Any]:
    """One submission by its number."""
    from kagglesdk.competitions.types.competition_api_service import ApiGetSubmissionRequest

    wire = ApiGetSubmissionRequest()
    wire.ref = request["ref"]
    with api.build_kaggle_client() as client:
        return plain_submission(client.competitions.competition_api_client.get_submission(wire))


def plain_submission(item: Any) -> dict[str, Any]:
    """A submission as plain JSON; scores are text, empty where there is none."""
    return {
        "ref": item.ref,
        "status": item.status.name,
        "public": item.public_score or "",
        "private": item.private_score or "",
        "error": item.error_description or "",
        "description": item.description or "",
        "date": item.date.isoformat() if item.date else "",
        "file": item.file_name or "",
    }


def limits(api: Any, request: Request) -> dict[str, Any]:
    """How many submissions were made and are still allowed today."""
    if not hasattr(api, "competition_get_submission_limits"):
        raise OperationError(
            "unsupported", "this version of the kaggle package cannot ask for limits"
        )
    found = api.competition_get_submission_limits(request["slug"])
    return {"today": found.num_today, "total": found.num_total, "allowed": found.num_allowed_now}


def competition(api: Any, request: Request) -> dict[str, Any]:
    """The facts the site states about a competition."""
    from kagglesdk.competitions.types.competition_api_service import ApiGetCompetitionRequest

    wire = ApiGetCompetitionRequest()
    wire.competition_name = request["slug"]
    with api.build_kaggle_client() as client:
        found = client.competitions.competition_api_client.get_competition(wire)
    return {
        "title": found.title or "",
        "metric": found.evaluation_metric or "",
        "deadline": found.deadline.isoformat() if found.deadline else "",
        "daily": found.max_daily_submissions,
        "entered": found.user_has_entered,
        "code_only": found.is_kernels_submissions_only,
        "closed": found.submissions_disabled,
    }


def whoami(api: Any, request: Request) -> dict[str, Any]:
    """The account in effect, confirmed by one small call (a legacy key is not checked before)."""
    api.competitions_list(search=request.get("search", ""))
    values = api.config_values
    return {"username": values.get("username") or "", "method": str(values.get("auth_method", ""))}


OPERATIONS: Mapping[str, Callable[[Any, Request], Any]] = {
    "download": download,
    "files": files,
    "submit": submit,
    "submissions": submissions,
    "submission": submission,
    "limits": limits,
    "leaderboard": leaderboard,
    "competition": competition,
    "whoami": whoami,
}


def server_reason(response: Any) -> str:
    """The server's own words, in either of the two shapes it answers in; '' without them."""
    try:
        body = response.json()
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    inner = body.get("error")
    return str((inner if isinstance(inner, dict) else body).get("message") or "")


def described(error: BaseException) -> dict[str, Any]:
    """An exception as `kind`, `status` (0: no answer), `reason`, `retry_after` (s; 0: not said)."""
    from requests import RequestException

    response = getattr(error, "response", None)  # `is None`: a Response of an error is falsy
    if isinstance(error, RequestException) and response is not None:
        wait = response.headers.get("Retry-After", "")
        return {
            "kind": "http",
            "status": response.status_code,
            "reason": server_reason(response),
            "retry_after": int(wait) if wait.isdigit() else 0,
        }
    kind = "other"
    if isinstance(error, OperationError):
        kind = error.kind
    elif isinstance(error, SystemExit):
        kind = "credential"
    elif isinstance(error, ModuleNotFoundError):
        kind = "missing"
    elif isinstance(error, RequestException):
        kind = "connection"
        while error.__context__ is not None:  # the innermost says it in the fewest words
            error = error.__context__
    elif isinstance(error, OSError):
        kind = "disk"
    reason = str(error).strip() or type(error).__name__
    return {"kind": kind, "status": 0, "reason": reason, "retry_after": 0}


def answer(request: Request) -> dict[str, Any]:
    """Do what the request names: `{"result": …}` or `{"error": {…}}`."""
    try:
        return {"result": OPERATIONS[request["operation"]](signed_in(), request)}
    except (Exception, SystemExit) as error:  # the boundary of a process: the caller explains it
        found = described(error)
        values = getattr(getattr(sys.modules.get("kaggle"), "api", None), "config_values", {})
        secrets = [str(values.get(name) or "") for name in ("key", "token")]
        return {"error": {**found, "reason": without_secrets(found["reason"], os.environ, secrets)}}


def main() -> NoReturn:
    """Read the request, answer it; whatever the client prints goes to stderr."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as channel:
        os.dup2(2, 1)
        channel.write(json.dumps(answer(json.load(sys.stdin))) + "\n")
    sys.exit(0)


if __name__ == "__main__":
    main()
