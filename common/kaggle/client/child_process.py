"""Run one operation of the official client in a child process: JSON in, JSON out, with a timeout."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from common.kaggle.client.waiting import SILENCE_S
from common.kaggle.credential import client_environment, without_secrets

ROOT = Path(__file__).resolve().parents[3]  # the folder that holds `common`


class RemoteError(Exception):
    """The client's process did not do what it was asked; see `common.kaggle.errors` for words."""

    def __init__(self, kind: str, reason: str, *, status: int = 0, retry_after: int = 0) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.status = status
        self.retry_after = retry_after

    @property
    def passing(self) -> bool:
        """May the same request succeed a little later?"""
        kinds = ("connection", "cut", "upload", "storage", "timeout")
        return self.kind in kinds or self.status in (408, 429) or self.broken

    @property
    def broken(self) -> bool:
        """Is the server in trouble? One that has no such call (501) only says no."""
        return self.status >= 500 and self.status != 501

    @property
    def words(self) -> str:
        """What happened, for the middle of a sentence."""
        return f"{self.status} {self.reason}".strip() if self.status else self.reason


def ask(
    request: Mapping[str, Any],
    *,
    environment: Mapping[str, str] | None = None,
    patience_s: float = SILENCE_S,
    growth: Callable[[], int] | None = None,
    show: bool = False,
) -> Any:
    """Run one operation of `common.kaggle.child` and return its result.

    Args:
        request: the operation and its arguments, as JSON.
        environment: variables for the process, over this process's own; empty removes one.
        patience_s: seconds without an answer before the process is stopped.
        growth: where given, the timeout restarts whenever this number changes.
        show: let the client draw its own progress bar on stderr.

    Raises:
        RemoteError: the client failed, or gave no answer in time (kind "timeout").
    """
    variables = client_environment(environment)
    process = subprocess.Popen(
        # -P: a folder named `kaggle` where the person stands must not hide the package.
        [sys.executable, "-P", "-m", "common.kaggle.child.main"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None if show else subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=_importable(variables),
    )
    with process:
        try:
            out, err = _answered(process, json.dumps(dict(request)), patience_s, growth)
        finally:
            process.kill()  # no effect on one that has ended; nothing outlives an interrupt
    return _result(out, without_secrets(err or "", variables))


def _importable(variables: Mapping[str, str]) -> dict[str, str]:
    """`variables`, with this package where Python looks for it."""
    places = [str(ROOT), *filter(None, [variables.get("PYTHONPATH")])]
    return {**variables, "PYTHONPATH": os.pathsep.join(places)}


def _answered(
    process: "subprocess.Popen[str]", text: str, patience_s: float, growth: Callable[[], int] | None
) -> tuple[str, str]:
    seen, since = growth() if growth else 0, time.monotonic()
    sent: str | None = text
    while True:
        left = since + patience_s - time.monotonic()
        try:
            return process.communicate(sent, timeout=max(0.01, min(left, 5.0)))
        except subprocess.TimeoutExpired:
            sent = None  # communicate keeps what is still to be written
        now = growth() if growth else seen
        if now != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since >= patience_s:
            raise RemoteError("timeout", f"no answer in {patience_s:.0f} s")


def _result(out: str, err: str) -> Any:
    lines = out.strip().splitlines()
    try:
        answer = json.loads(lines[-1])
    except (IndexError, ValueError):
        last = (err.strip().splitlines() or ["it printed nothing"])[-1]
        raise RemoteError("other", f"the client's process ended early: {last}") from None
    if "error" not in answer:
        return answer["result"]
    error = answer["error"]
    raise RemoteError(
        error["kind"], error["reason"], status=error["status"], retry_after=error["retry_after"]
    )
