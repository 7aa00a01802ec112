"""Calls about competitions and submissions, from an authenticated client that is handed in."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common.kaggle.child.failure import OperationError, refused_with
from common.kaggle.child.pages import all_of, listed
from common.kaggle.child.rpc import Request, rpc
from common.kaggle.child.transfer import fetch, put
from common.kaggle.protocol import NO_SUCH_CALL

MOST = 10_000  # pages of submissions; no team has made as many
READS = 5  # of count and list, until nothing was submitted between them


def files(api: Any, request: Request) -> list[dict[str, Any]]:
    """Every file of a competition: name and bytes."""

    def page(token: str) -> tuple[dict[str, dict[str, Any]], str]:
        found = api.competition_list_files(request["slug"], page_token=token or None, page_size=200)
        rows = {file.name: {"name": file.name, "bytes": file.total_bytes} for file in found.files}
        return rows, found.next_page_token or ""

    return all_of(page, "files")


def submissions(api: Any, request: Request) -> list[dict[str, Any]]:
    """The team's submissions, newest first, the first `pages` pages of them; default: all."""
    seen: set[int] = set()
    tokens: set[str] = set()

    def page(token: str) -> tuple[dict[int, dict[str, Any]], str]:
        place: dict[str, Any] = (
            {"page_token": token} if token in tokens else {"page": int(token or 1)}
        )
        found = rpc(
            api, "ListSubmissions", competition_name=request["slug"], page_size=100, **place
        )
        rows = {item.ref: plain_submission(item) for item in found.submissions or []}
        following = getattr(found, "next_page_token", "") or ""
        if following:
            tokens.add(following)
        # Where no token tells it, a page past the end is empty, or the last one again.
        elif not tokens and not rows.keys() <= seen:
            following = str(place["page"] + 1)
        seen.update(rows)
        return rows, following

    return list(listed(page, most=request.get("pages") or MOST).rows.values())


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
        "team": item.team_name or "",
    }


def known(api: Any, request: Request) -> list[str]:
    """Slugs that resemble one: searched by it, by its words, among the entered and the general ones."""
    slug = request["slug"]
    asked: list[dict[str, Any]] = [{"search": slug}]
    asked += [{"search": word} for word in slug.split("-")[:3] if word != slug]
    asked += [{"group": "entered", "page_size": 100}, {"page_size": 100}]
    found: dict[str, None] = {}
    for words in asked:
        for row in api.competitions_list(**words).competitions:
            found[(row.ref or "").rstrip("/").rsplit("/", 1)[-1]] = None
        if slug in found:
            break
    return [name for name in found if name]


def download(api: Any, request: Request) -> dict[str, Any]:
    """Download a competition's archive, or its file `name`, to `request["file"]`; returns the MD5 or ""."""
    name = request.get("name", "")
    method, words = ("DownloadDataFile", {"file_name": name}) if name else ("DownloadDataFiles", {})
    answer = rpc(api, method, competition_name=request["slug"], **words)
    silence_s, bar = float(request["silence_s"]), bool(request.get("bar"))
    page = name.lower().endswith((".html", ".htm"))
    return {"md5": fetch(answer, Path(request["file"]), silence_s=silence_s, bar=bar, page=page)}


def upload(api: Any, request: Request) -> dict[str, Any]:
    """The bytes of a submission; nothing is submitted by it. The token stands for them.

    `before` is what is counted and listed by then, as `limits_and_newest` tells it; None: it is not told.
    """
    from requests import RequestException

    path = Path(request["file"])
    found = path.stat()
    begun = rpc(
        api,
        "StartSubmissionUpload",
        competition_name=request["slug"],
        file_name=path.name,
        content_length=found.st_size,
        last_modified_epoch_seconds=int(found.st_mtime),
    )
    put(api, path, begun.create_url)
    try:
        before = limits_and_newest(api, request)
    except RequestException:  # it is evidence for the case of a lost answer, and no condition
        before = None
    return {"token": begun.token, "before": before}


def create(api: Any, request: Request) -> dict[str, Any]:
    """Make a submission of what was uploaded: the one call that must not be repeated blindly."""
    answer = rpc(
        api,
        "CreateSubmission",
        competition_name=request["slug"],
        blob_file_tokens=request["token"],
        submission_description=request["message"],
    )
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
    """What the site states about a competition."""
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


def competition_status(api: Any, request: Request) -> dict[str, Any]:
    """What to know before a submission, in one process: info, limits, submissions so far.

    Limits None: the client cannot ask for them, or the site does not tell them.
    """
    from requests import HTTPError

    def count() -> dict[str, Any] | None:
        try:
            return limits(api, request)
        except OperationError:
            return None
        except HTTPError as error:
            if not refused_with(error, NO_SUCH_CALL):
                raise
            return None

    return {"info": competition(api, request), **_consistent(api, request, count)}


def leaderboard(api: Any, request: Request) -> dict[str, Any]:
    """The leaderboard, best first, from the page with `token` on; no file is written.

    `rows`, `following` (the token to go on with, "" for none), `whole` (was its end reached?).
    """

    def page(token: str) -> tuple[dict[Any, dict[str, Any]], str]:
        fields = {"competition_name": request["slug"], "page_size": 200}
        found = rpc(api, "GetLeaderboard", **fields, **({"page_token": token} if token else {}))
        rows = {}
        for row in found.submissions:
            date = row.submission_date.isoformat() if row.submission_date else ""
            plain = {"team": row.team_name or "", "score": row.score or "", "date": date}
            key = [row.team_id] if row.team_id else list(plain.values())
            rows[json.dumps(key)] = {"key": json.dumps(key), **plain}
        return rows, found.next_page_token or ""

    found = listed(page, request.get("token", ""))
    return {**found._asdict(), "rows": list(found.rows.values())}


def limits_and_newest(api: Any, request: Request) -> dict[str, Any]:
    """The limits, None where they are not told just now, and the newest submissions."""
    from requests import RequestException

    def count() -> dict[str, Any] | None:
        try:
            return limits(api, request)
        except (RequestException, OperationError):
            return None

    return _consistent(api, {**request, "pages": 1}, count)


def _consistent(
    api: Any, request: Request, count: Callable[[], dict[str, Any] | None]
) -> dict[str, Any]:
    """`limits` as `count` gives them, and `submissions`, as both were at one moment.

    A teammate's submission that is in one and not in the other would be taken for a lost one of
    ours (and hold a file back for good), or hide a lost one (which would then be sent twice). So
    the count is read before and after the list, until both are equal; None where they never are.
    """
    before = count()
    for _ in range(READS):
        rows, after = submissions(api, request), count()
        if before == after:
            return {"limits": after, "submissions": rows}
        before = after
    return {"limits": None, "submissions": rows}
