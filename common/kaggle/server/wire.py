"""Parts of the loopback host's answers: error bodies, pagination, byte ranges, timestamps, sign-in."""

import base64
import hmac
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

COMPETITIONS = "competitions.CompetitionApiService"


STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


class RefusedError(Exception):
    """An error answer, in the shape api.kaggle.com gives it."""

    def __init__(self, code: int, message: str, *, retry_after: int = 0, page: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.page = page

    def body(self) -> bytes:
        """The answer: JSON, or where it has a title, a page."""
        if self.page:
            return f"<!DOCTYPE html><html><head><title>{self.page}</title></head></html>".encode()
        status = STATUS_NAMES.get(self.code, "INTERNAL" if self.code >= 500 else "UNKNOWN")
        answer = {"error": {"code": self.code, "message": self.message, "status": status}}
        return json.dumps(answer).encode()


def authorised(header: str, username: str, key: str) -> bool:
    """Is this `Authorization` header the account's, as Basic (API key) or Bearer (access token)?"""
    basic = "Basic " + base64.b64encode(f"{username}:{key}".encode()).decode()
    given = header.encode("utf-8", "replace")
    # Both are always compared, each in the same time for any wrong key.
    matches = [hmac.compare_digest(given, right.encode()) for right in (basic, f"Bearer {key}")]
    return any(matches)


def stamp(seconds: float) -> str:
    """A moment as the protocol writes it: UTC, seven decimals."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def page(items: Sequence[Any], request: dict[str, Any], name: str) -> dict[str, Any]:
    """One page of `items` under `name`, asked for by token, or by number (from 1), or neither."""
    size = min(max(int(request.get("pageSize") or 20), 1), 200)
    token = str(request.get("pageToken") or "")
    if token and not token.isdigit():
        raise RefusedError(400, "Invalid page token")
    number = max(int(request.get("page") or 1), 1)
    start = int(token) if token else (number - 1) * size
    answer: dict[str, Any] = {name: list(items[start : start + size])}
    if start + size < len(items):
        answer["nextPageToken"] = str(start + size)
    return answer


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte asked for by `Range: bytes=A-[B]`; None for the whole.

    Raises:
        RefusedError: 416, the range starts behind the end.
    """
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", header.strip())
    if match is None:
        return None
    first = int(match[1])
    if first >= size:
        raise RefusedError(416, "Requested range not satisfiable")
    last = min(int(match[2]) if match[2] else size - 1, size - 1)
    return (first, last) if first <= last else None


def content_range(header: str) -> tuple[int | None, int]:
    """First byte and whole size of `Content-Range: bytes A-B/N`; first is None for `bytes */N`."""
    match = re.fullmatch(r"bytes (?:\*|(\d+)-\d+)/(\d+)", header.strip())
    if match is None:
        raise RefusedError(400, f"Content-Range not understood: {header[:60]}")
    return (int(match[1]) if match[1] else None), int(match[2])
