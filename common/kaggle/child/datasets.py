"""Datasets of the signed-in account as plain JSON, from a client that is handed in."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from common.kaggle.child.failure import OperationError, refused_with
from common.kaggle.child.kernels import account
from common.kaggle.child.pages import all_of
from common.kaggle.child.rpc import Request, filled, rpc, types_of
from common.kaggle.child.transfer import put
from common.kaggle.protocol import ABSENT, NO_SUCH_CALL

RESUMES = 3  # of one upload, before it starts over


def blob(api: Any, request: Request) -> dict[str, Any]:
    """Upload `file` under `name`; no dataset changes by it. The token stands for the bytes."""
    path = Path(request["file"])
    found = path.stat()
    begun = rpc(
        api,
        "StartBlobUpload",
        service="blobs",
        type=types_of("blobs").ApiBlobType.DATASET,
        name=request["name"],
        content_length=found.st_size,
        last_modified_epoch_seconds=int(found.st_mtime),
    )
    put(api, path, begun.create_url, resumes=RESUMES, bar=bool(request.get("bar")))
    return {"token": begun.token}


def dataset(api: Any, request: Request) -> dict[str, Any]:
    """A dataset's owner, status ("": there is none), and the bytes of its files once it is ready.

    Files None: it is ready, and the site has no list of them to tell.
    """
    from requests import HTTPError

    place = {"owner_slug": _owner(api), "dataset_slug": request["slug"]}
    status: str = ""
    files: dict[str, int] | None = {}
    try:
        status = rpc(api, "GetDatasetStatus", service="datasets", **place).status.name
    except HTTPError as error:
        # What is not there is not told from what is another's: making it tells.
        if not refused_with(error, ABSENT):
            raise
    if status == "READY":
        try:
            files = _files(api, place)
        except HTTPError as error:
            if not refused_with(error, {*ABSENT, *NO_SUCH_CALL}):
                raise
            files = None
    return {"owner": place["owner_slug"], "status": status, "files": files}


def dataset_create(api: Any, request: Request) -> dict[str, Any]:
    """Make a private dataset of uploaded files."""
    return _told(
        rpc(
            api,
            "CreateDataset",
            service="datasets",
            owner_slug=_owner(api),
            slug=request["slug"],
            title=request["title"],
            license_name="other",
            is_private=True,
            files=_new_files(request),
        )
    )


def dataset_version(api: Any, request: Request) -> dict[str, Any]:
    """Make a version of a dataset of uploaded files; those before it are deleted.

    The space that an account has is limited.
    """
    body = filled(
        types_of("datasets").ApiCreateDatasetVersionRequestBody(),
        version_notes=request["notes"],
        files=_new_files(request),
        delete_old_versions=True,
    )
    return _told(
        rpc(
            api,
            "CreateDatasetVersion",
            service="datasets",
            owner_slug=_owner(api),
            dataset_slug=request["slug"],
            body=body,
        )
    )


def _owner(api: Any) -> str:
    """The name of the signed-in account."""
    name = account(api)
    if not name:
        raise OperationError("other", "the sign-in names no account")
    return name


def _files(api: Any, place: dict[str, str]) -> dict[str, int]:
    def page(token: str) -> tuple[dict[str, tuple[str, int]], str]:
        paged = {"page_size": 200} | ({"page_token": token} if token else {})
        found = rpc(api, "ListDatasetFiles", service="datasets", **place, **paged)
        rows = {file.name: (file.name, file.total_bytes) for file in found.dataset_files}
        return rows, found.next_page_token or ""

    return dict(all_of(page, "files"))


def _new_files(request: Request) -> list[Any]:
    kind = types_of("datasets").ApiDatasetNewFile
    return [filled(kind(), token=token) for token in request["tokens"]]


def _told(answer: Any) -> dict[str, Any]:
    """Whether it was made: the answer says so in words, not by its code."""
    return {"made": (answer.status or "").lower() == "ok", "error": answer.error or ""}


OPERATIONS: Mapping[str, Callable[[Any, Request], Any]] = {
    "blob": blob,
    "dataset": dataset,
    "dataset_create": dataset_create,
    "dataset_version": dataset_version,
}
