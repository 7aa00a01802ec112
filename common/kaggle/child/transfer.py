"""Resumable downloads and uploads of the child process; bytes of two objects are never mixed.

The client has a loop for this too, but some of its versions write the body of an error answer into
the file, and all of them take a file of the right size for a finished one.
"""

import os
import re
import time
from pathlib import Path
from typing import Any

from common.kaggle.child.failure import OperationError
from common.kaggle.child.network_faults import (
    HTML_START,
    UPLOAD_ERRORS,
    describe_page,
    is_page,
    login_page_error,
)
from common.storage import read_json, write_json

CHUNK = 1 << 15  # of a chunk that is cut, nothing is kept
CONNECT_S = 20.0


def fetch(
    response: Any, path: Path, *, silence_s: float, bar: bool = False, page: bool = False
) -> str:
    """Write what `response`, the answer to a GET, stands for to `path`.

    Returns the MD5 that the store states for the whole file, base64; "" when it states none.

    Bytes that are there already are kept when the note beside them says that they belong to this
    very object; `path` may be cut short at any moment, and is continued by the next call.

    Args:
        page: may it be a page for people?

    Raises:
        requests.RequestException: the store refused, or fell silent.
        OperationError: kind "cut", the connection ended early; kind "portal", a page came instead.
    """
    from requests.exceptions import ChunkedEncodingError

    if not page and is_page(response):
        raise login_page_error(response)
    validator = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
    size = int(response.headers.get("Content-Length") or 0)
    identity = {"validator": validator, "size": size}
    stated = re.search(r"md5=([\w+/=]+)", response.headers.get("x-goog-hash", ""))
    md5 = stated[1] if stated else ""
    note = path.with_name(f"{path.name}.identity.json")
    present = path.stat().st_size if path.exists() else 0
    if not (validator and note.exists() and _noted(note) == identity and present <= size):
        present = 0
    if present and present == size:
        response.close()
        return md5
    if present:
        response.close()
        response, present = _rest(response.url, validator, present, silence_s)
        if not page and is_page(response):
            raise login_page_error(response)
    if not present:
        path.unlink(missing_ok=True)
    write_json(note, identity)
    try:
        _write(response, path, present, size, bar)
    except ChunkedEncodingError:
        if not size:  # which tells as much, in words
            raise
    arrived = path.stat().st_size
    if size and arrived != size:
        raise OperationError("cut", f"cut off, {arrived:,} of {size:,} bytes are here")
    with path.open("rb") as file:
        head = file.read(1 << 15)
    if not page and HTML_START.match(head):  # whatever it is called on the way
        path.unlink()
        raise OperationError("portal", describe_page(head))
    return md5


def _noted(note: Path) -> Any:
    try:
        return read_json(note)
    except ValueError:
        return None


def _rest(url: str, validator: str, present: int, silence_s: float) -> tuple[Any, int]:
    """Ask for the bytes from `present` on: the answer, and from which byte on it is."""
    import requests

    headers = {"Range": f"bytes={present}-", "If-Range": validator, "Accept-Encoding": "identity"}
    response = requests.get(url, headers=headers, stream=True, timeout=(CONNECT_S, silence_s))
    response.raise_for_status()
    begins = re.match(rf"bytes {present}-", response.headers.get("Content-Range", ""))
    return response, present if response.status_code == 206 and begins else 0


def _write(response: Any, path: Path, present: int, size: int, bar: bool) -> None:
    from tqdm import tqdm

    with (
        path.open("ab" if present else "wb", buffering=0) as file,
        tqdm(
            total=size or None,
            initial=present,
            desc=path.name,
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
            disable=not bar,
            leave=False,
            dynamic_ncols=True,
        ) as progress,
    ):
        for data in response.iter_content(CHUNK):
            file.write(data)
            progress.update(len(data))
        os.fsync(file.fileno())  # its name must not outlive its bytes


RESUME_S = 0.5  # before the first further attempt; longer each time


def put(api: Any, path: Path, address: str, *, resumes: int = 0, bar: bool = False) -> None:
    """Send a file; what the store says it has got is not sent again, at most `resumes` times.

    Raises:
        OperationError: kind "upload", it did not arrive whole.
    """
    from kaggle.api.kaggle_api_extended import ResumableUploadResult

    UPLOAD_ERRORS.clear()
    for attempt in range(resumes + 1):
        time.sleep(RESUME_S * attempt)
        result = api.upload_complete(str(path), address, not bar, resume=attempt > 0)
        if result == ResumableUploadResult.COMPLETE:
            return
        if UPLOAD_ERRORS:
            raise UPLOAD_ERRORS[-1]
        if result != ResumableUploadResult.INCOMPLETE:  # refused: the same bytes would be again
            break
    raise OperationError("upload", "the file did not arrive whole")
