"""An exception of the client's process as plain JSON, the server's own reason included."""

import math
import re
from collections.abc import Collection
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from common.kaggle.child.way import OperationError as OperationError
from common.kaggle.child.way import beside, innermost, is_page, obstacle, words_of

LONGEST = 200  # characters of a reason that is no JSON
LONGEST_WAIT_S = 10_000_000  # that a server's words are taken for; about four months


def refused_with(error: BaseException, codes: Collection[int]) -> bool:
    """Did the server answer with one of these codes?"""
    response = getattr(error, "response", None)  # `is None`: a Response of an error is falsy
    return response is not None and response.status_code in codes


def described(error: BaseException) -> dict[str, Any]:
    """An exception as `kind`, `status` (0: no answer), `reason`, `retry_after` (s; 0: not said)."""
    from requests import RequestException

    response = getattr(error, "response", None)  # `is None`: a Response of an error is falsy
    if fault := obstacle(error):
        return {"kind": "setting", "status": 0, "reason": fault, "retry_after": 0}
    if isinstance(error, RequestException) and response is not None:
        if response.status_code == 511:  # Network Authentication Required
            return {
                "kind": "portal",
                "status": 0,
                "reason": words_of(response.content),
                "retry_after": 0,
            }
        # A refused GET is the store's, not Kaggle's: its addresses expire, and a new one is free.
        stored = getattr(response.request, "method", "") == "GET"
        return {
            "kind": "storage" if stored else "http",
            "status": response.status_code,
            "reason": server_reason(response) or ("the store refused" if stored else ""),
            "retry_after": _seconds(response.headers.get("Retry-After", "")),
        }
    kind, reason = "other", str(error)
    if isinstance(error, OperationError):
        kind = error.kind
    elif isinstance(error, SystemExit):
        kind = "credential"
    elif isinstance(error, ModuleNotFoundError):
        kind = "missing"
    elif isinstance(error, RequestException):
        kind = "connection"
        reason = str(innermost(error))
        reason += beside(error, reason)
    elif isinstance(error, OSError):
        kind = "disk"
    reason = reason.strip() or type(error).__name__
    wait = getattr(error, "retry_after", 0)
    return {"kind": kind, "status": 0, "reason": reason, "retry_after": wait}


def server_reason(response: Any) -> str:
    """The server's own words: of its JSON, of a store's XML, or a page's title; '' without them."""
    try:
        body = response.json()
    except ValueError:
        if is_page(response):
            return words_of(response.content)
        found = re.search(r"<Message>([^<]+)</Message>", response.text)
        return _short(found[1]) if found else "" if "<" in response.text else _short(response.text)
    if not isinstance(body, dict):
        return ""
    inner = body.get("error")
    if isinstance(inner, str) and not body.get("message"):
        return _short(inner)
    return str((inner if isinstance(inner, dict) else body).get("message") or "")


def _short(text: str) -> str:
    return " ".join(text.split())[:LONGEST]


def _seconds(header: str) -> int:
    """Retry-After, which is a number of seconds or a date."""
    if re.fullmatch(r"\d+(\.\d*)?", header.strip(), re.ASCII):
        return min(math.ceil(float(header)), LONGEST_WAIT_S)
    try:
        left = parsedate_to_datetime(header) - datetime.now(UTC)
    except (TypeError, ValueError):
        return 0
    return min(max(math.ceil(left.total_seconds()), 0), LONGEST_WAIT_S)
