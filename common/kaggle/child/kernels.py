"""The client's kernel calls as plain JSON, from an authenticated client that is handed in."""

from collections.abc import Callable, Mapping
from typing import Any

from common.kaggle.child.failure import OperationError, refused_with
from common.kaggle.child.kernel_files import collect
from common.kaggle.child.rpc import Request, rpc, types_of
from common.kaggle.protocol import ABSENT, NO_SUCH_CALL

KERNELS = "kernels"
SOURCES = ("dataset", "competition", "kernel", "model")
MOST_VERSIONS = 4096  # of one kernel; a site that knows more knows any


def account(api: Any) -> str:
    """The name of whoever is signed in, as it stands in the addresses of their kernels."""
    return str(api.config_values.get("username") or "")


def kernel(api: Any, request: Request) -> dict[str, Any]:
    """The newest version of the account's kernel `slug`; version 0 and no text before the first.

    Version None: it is there, and this version of the client cannot tell how often; 0 with a text:
    the site does not tell.
    """
    from requests import HTTPError

    owner = account(api)
    if not owner:
        raise OperationError("other", "the sign-in names no account")
    slug = request["slug"]
    none = {"owner": owner, "slug": slug, "version": 0, "text": "", "url": "", "sources": {}}
    try:
        found = rpc(api, "GetKernel", service=KERNELS, user_name=owner, kernel_slug=slug)
    except HTTPError as error:
        if not refused_with(error, ABSENT):
            raise
        return none
    if found.metadata is None:
        return none
    facts, version = found.metadata, _newest(found)
    if version == 0:
        version = _last_label(api, {"user_name": owner, "kernel_slug": slug})
    return none | {
        "version": version,
        "text": found.blob.source if found.blob else "",
        "sources": {name: list(getattr(facts, f"{name}_data_sources", [])) for name in SOURCES},
    }


def push(api: Any, request: Request) -> dict[str, Any]:
    """Make a version of a kernel, which then runs: must not be repeated blindly.

    Nothing is left to the client's own defaults, of which one is the internet.
    """
    answer = rpc(api, "SaveKernel", service=KERNELS, **request["fields"])
    invalid = {name: list(getattr(answer, f"invalid_{name}_sources")) for name in SOURCES}
    return {
        "ref": answer.ref or "",
        "url": answer.url or "",
        "version": answer.version_number or 0,
        "error": answer.error or "",
        "invalid": invalid | {"tag": list(answer.invalid_tags)},
    }


def session(api: Any, request: Request) -> dict[str, Any]:
    """How a version's run stands; with `log`, what can be had of its log by now, too."""
    from requests import HTTPError

    found = of_version(api, "GetKernelSessionStatus", request)
    text = ""
    if request.get("log"):
        try:
            text = log(api, request)["log"]
        except HTTPError:  # the status is what was asked for
            text = ""
    return {"status": found.status.name, "failure": found.failure_message or "", "log": text}


def log(api: Any, request: Request) -> dict[str, Any]:
    """The log of a version as the site keeps it: the text of a JSON array."""
    found = of_version(api, "ListKernelSessionOutput", request, page_size=1)
    return {"log": found.log or ""}


def output(api: Any, request: Request) -> dict[str, Any]:
    """Every file of a version's output below `folder`; the names of those that are there now."""

    def page(token: str) -> tuple[dict[str, str], str]:
        given = {"page_token": token} if token else {}
        found = of_version(api, "ListKernelSessionOutput", request, page_size=200, **given)
        return {file.file_name: file.url for file in found.files}, found.next_page_token or ""

    return {"files": collect(page, request)}


def submit(api: Any, request: Request) -> dict[str, Any]:
    """Submit a file of a kernel's output: must not be repeated blindly either."""
    owner, _, slug = request["kernel"].partition("/")
    answer = rpc(
        api,
        "CreateCodeSubmission",
        competition_name=request["slug"],
        kernel_owner=owner,
        kernel_slug=slug,
        kernel_version=request["version"],
        file_name=request["file"],
        submission_description=request["message"],
    )
    return {"ref": answer.ref or 0, "message": answer.message}


def of_version(api: Any, method: str, request: Request, **fields: Any) -> Any:
    """One call about one version of a kernel; kaggle 2.0.2 cannot name it, and gets the newest's.

    Raises:
        OperationError: kind "unsupported", that is not known to be the version that is meant.
    """
    owner, _, slug = request["slug"].partition("/")
    named = {"user_name": owner, "kernel_slug": slug}
    able = hasattr(getattr(types_of(KERNELS), f"Api{method}Request"), "version_label")
    if able:  # a bare number would be answered with 404
        fields["version_label"] = f"v{request['version']}"
    answer = rpc(api, method, service=KERNELS, **named, **fields)
    # Looked at afterwards: numbers only grow, so that it was the newest when it was asked about.
    if not able and _newest(rpc(api, "GetKernel", service=KERNELS, **named)) != request["version"]:
        raise OperationError(
            "unsupported",
            f"the installed kaggle package cannot ask about version {request['version']} of "
            f"{request['slug']}, only about the newest; run: pip install -U kaggle",
        )
    return answer


def _newest(found: Any) -> int | None:
    """The newest version's number; None where this version of the client cannot tell it."""
    return getattr(found.metadata, "current_version_number", None)


def _last_label(api: Any, named: Mapping[str, str]) -> int:
    """The number of the newest version where the site names none: the last whose run it knows.

    0: it cannot be told, because the site knows no run by its version, or every one.
    """
    from requests import HTTPError

    def is_known(number: int) -> bool:
        try:
            rpc(api, "GetKernelSessionStatus", service=KERNELS, version_label=f"v{number}", **named)
        except HTTPError as error:
            if not refused_with(error, {*ABSENT, *NO_SUCH_CALL, 400}):
                raise
            return False
        return True

    low, high = 0, 1
    while is_known(high):
        low, high = high, 2 * high
        if high > MOST_VERSIONS:
            return 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if is_known(middle) else (low, middle)
    return low


OPERATIONS: Mapping[str, Callable[[Any, Request], Any]] = {
    "kernel": kernel,
    "kernel_push": push,
    "kernel_session": session,
    "kernel_log": log,
    "kernel_output": output,
    "kernel_submit": submit,
}
