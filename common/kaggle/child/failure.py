"""An exception of the client's process as plain JSON, the server's own reason included."""

import math
import re
from collections.abc import Collection
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from common.kaggle.child.network_faults import OperationError as OperationError
from common.kaggle.child.network_faults import (
    describe_page,
    is_page,
    permanent_fault,
    proxy_hint,
    root_cause,
)

LONGEST = 200  # characters of a reason that is no JSON
LONGEST_WAIT_S = 10_000_000  # that a server's words are taken for; about four months


def refused_with(error: BaseException, codes: Collection[int]) -> bool:
    """Did the server answer with one of these codes?"""
    response = getattr(error, "response", None)  # `is None`: a Response of an error is falsy
    return response is not None and response.status_code in codes


def error_json(error: BaseException) -> dict[str, Any]:
    """An exception as `kind`, `status` (0: no answer), `reason`, `retry_after` (s; 0: not said)."""
    from requests import RequestException

    response = getattr(error, "response", None)  # `is None`: a Response of an error is falsy
    status, wait = 0, getattr(error, "retry_after", 0)
    if fault := permanent_fault(error):
        kind, reason = "setting", fault
    elif isinstance(error, RequestException) and response is not None:
        if response.status_code == 511:  # Network Authentication Required
            kind, reason = "portal", describe_page(response.content)
        else:
            # A refused GET is the store's, not Kaggle's: its addresses expire, and a new one is free.
            stored = getattr(response.request, "method", "") == "GET"
            kind, status = "storage" if stored else "http", response.status_code
            reason = server_reason(response) or ("the store refused" if stored else "")
            wait = _seconds(response.headers.get("Retry-After", ""))
    elif isinstance(error, RequestException):
        kind, reason = "connection", str(root_cause(error))
        reason += proxy_hint(error, reason)
    else:
        kind = error.kind if isinstance(error, OperationError) else _kind(error)
        reason = str(error)
    if not status:
        reason = reason.strip() or type(error).__name__
    return {"kind": kind, "status": status, "reason": reason, "retry_after": wait}


KINDS = ((SystemExit, "credential"), (ModuleNotFoundError, "missing"), (OSError, "disk"))


def _kind(error: BaseException) -> str:
    return next((kind for type_, kind in KINDS if isinstance(error, type_)), "other")


def server_reason(response: Any) -> str:
    """The server's own words: of its JSON, of a store's XML, or a page's title; '' without them."""
    try:
        body = response.json()
    except ValueError:
        if is_page(response):
            return describe_page(response.content)
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
