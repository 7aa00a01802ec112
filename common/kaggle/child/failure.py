"""An exception of the client's process as plain JSON, the server's own reason included."""

import math
from collections.abc import Collection
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any


class OperationError(Exception):
    """What the client's process itself refuses; `kind` tells the caller's process why."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


def refused_with(error: BaseException, codes: Collection[int]) -> bool:
    """Did the server answer with one of these codes?"""
    response = getattr(error, "response", None)  # `is None`: a Response of an error is falsy
    return response is not None and response.status_code in codes


def described(error: BaseException) -> dict[str, Any]:
    """An exception as `kind`, `status` (0: no answer), `reason`, `retry_after` (s; 0: not said)."""
    from requests import RequestException

    response = getattr(error, "response", None)  # `is None`: a Response of an error is falsy
    if isinstance(error, RequestException) and response is not None:
        # A refused GET is the store's, not Kaggle's: its addresses expire, and a new one is free.
        stored = getattr(response.request, "method", "") == "GET"
        return {
            "kind": "storage" if stored else "http",
            "status": response.status_code,
            "reason": server_reason(response) or ("the store refused" if stored else ""),
            "retry_after": _seconds(response.headers.get("Retry-After", "")),
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


def _seconds(header: str) -> int:
    """Retry-After, which is a number of seconds or a date."""
    if header.isdigit():
        return int(header)
    try:
        left = parsedate_to_datetime(header) - datetime.now(UTC)
    except (TypeError, ValueError):
        return 0
    return max(math.ceil(left.total_seconds()), 0)
