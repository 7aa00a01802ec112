"""The files of a kernel's output, page by page: an expired address is requested again.

The client has a way for this too, but some of its versions save the store's error page as the file.
"""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from common.kaggle.child.failure import OperationError
from common.kaggle.child.pages import all_of
from common.kaggle.child.rpc import Request
from common.kaggle.child.transfer import CONNECT_S, fetch
from common.kaggle.protocol import md5_of

EXPIRED = (400, 401, 403, 404, 410)  # what stores answer to an address that was good for a while
LONGEST_PAGE = 10_000  # bytes; no error page is longer

Page = Callable[[str], tuple[dict[str, str], str]]


def collect(page: Page, request: Request) -> list[str]:
    """Fetch every file that is not below `request["folder"]` yet; return the names of all.

    Args:
        page: the addresses by file name of the page with this token, and the next one's token.
        request: `folder`, where a file appears whole or not at all; `part`, a folder for the
            bytes of a partial file; `silence_s` and `bar` as in `fetch`.

    Raises:
        requests.RequestException: the store refused a fresh address, or fell silent.
        OperationError: kinds "cut", "storage", and "name" for a file that has no place below
            the folder.
    """
    import requests

    store = requests.Session()  # one connection for all of them

    def fetched(token: str) -> tuple[dict[str, str], str]:
        addresses, following = page(token)
        for name in list(addresses):
            target = Path(request["folder"], *safe(name).parts)
            if not target.exists() and not _fetched(store, addresses[name], name, target, request):
                renewed, following = page(token)
                addresses |= renewed
                _fetched(store, addresses[name], name, target, request, fresh=True)
        return {name: name for name in addresses}, following

    return all_of(fetched, "files")


def safe(name: str) -> PurePosixPath:
    """The name as a path that stays below the folder it is put into.

    Raises:
        OperationError: kind "name", it would not.
    """
    path = PurePosixPath(name)
    odd = path.is_absolute() or ".." in path.parts or not path.parts
    if odd or re.search(r"[\\:\0]", name):
        raise OperationError("name", f"a file named {name!r}")
    return path


def _fetched(
    store: Any, url: str, name: str, target: Path, request: Request, *, fresh: bool = False
) -> bool:
    """One file, whole, under its name; False when its address is good no more (not if `fresh`)."""
    # A place of its own: two files may have one size and one time.
    part = Path(request["part"], hashlib.sha256(name.encode()).hexdigest()[:16])
    response = store.get(
        url,
        headers={"Accept-Encoding": "identity"},
        stream=True,
        timeout=(CONNECT_S, request["silence_s"]),
    )
    if response.status_code in EXPIRED and not fresh:
        response.close()
        return False
    response.raise_for_status()
    stated = fetch(
        response,
        part,
        silence_s=request["silence_s"],
        bar=bool(request.get("bar")),
        page=name.lower().endswith((".html", ".htm", ".xhtml")),
    )
    found = md5_of(part)
    if stated and found != stated:
        part.unlink()
        raise OperationError(
            "storage", f"a damaged {name} (its MD5 is {found} and should be {stated})"
        )
    if _is_error_page(part):
        part.unlink()
        if fresh:
            raise OperationError("storage", f"an error page in place of {name}")
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    part.replace(target)
    return True


def _is_error_page(path: Path) -> bool:
    """Did the store answer an error with status 200?"""
    if path.stat().st_size > LONGEST_PAGE:
        return False
    return bool(re.match(rb"\s*(<\?xml[^>]*>\s*)?<Error>\s*<Code>", path.read_bytes()))
