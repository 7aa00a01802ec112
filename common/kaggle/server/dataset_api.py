"""The calls about datasets that the loopback host answers."""

from common.kaggle.server.competition_api import ORIGIN, Call, Wire
from common.kaggle.server.datasets import BLOB, DatasetStore
from common.kaggle.server.uploads import Uploads
from common.kaggle.server.wire import RefusedError, page, stamp

BLOBS, DATASETS = "blobs.BlobApiService", "datasets.DatasetApiService"
LARGEST = 20_000_000_000  # bytes of a file
SHORTEST, LONGEST = 6, 50  # characters of a slug, and of a title
METHODS = (
    "StartBlobUpload",
    "CreateDataset",
    "CreateDatasetVersion",
    "GetDatasetStatus",
    "ListDatasetFiles",
)


class DatasetService:
    """Uploads for datasets, and the datasets of one account."""

    def __init__(self, store: DatasetStore, uploads: Uploads) -> None:
        self._store = store
        self._uploads = uploads
        self.calls: dict[str, Call] = {
            f"{BLOBS}/StartBlobUpload": self.start_blob_upload,
            f"{DATASETS}/CreateDataset": self.create_dataset,
            f"{DATASETS}/CreateDatasetVersion": self.create_dataset_version,
            f"{DATASETS}/GetDatasetStatus": self.get_dataset_status,
            f"{DATASETS}/ListDatasetFiles": self.list_dataset_files,
        }

    def start_blob_upload(self, request: Wire) -> Wire:
        name = str(request.get("name", "")).replace("\\", "/").rsplit("/", 1)[-1][:200]
        length = int(request.get("contentLength") or 0)
        if request.get("type") != "DATASET" or name in ("", ".", ".."):
            raise RefusedError(400, "This host takes named files of datasets only")
        if not 0 < length <= LARGEST:
            raise RefusedError(400, f"A file holds 1 to {LARGEST} bytes, not {length}")
        token = self._uploads.start(BLOB, name, length)
        return {"token": token, "createUrl": f"{ORIGIN}/upload/{token}"}

    def create_dataset(self, request: Wire) -> Wire:
        slug, title = str(request.get("slug", "")), str(request.get("title", ""))
        self._own(request)
        for name, text in (("slug", slug), ("title", title)):
            if not SHORTEST <= len(text) <= LONGEST:
                raise RefusedError(
                    400, f"The dataset {name} must be between {SHORTEST} and {LONGEST} characters"
                )
        if self._store.has(slug):
            return {
                "status": "error",
                "error": f'The requested slug "{slug}" is already in use by a dataset.',
            }
        private = bool(request.get("isPrivate"))
        self._store.create(slug, title, _tokens(request), private=private)
        return self._made(slug)

    def create_dataset_version(self, request: Wire) -> Wire:
        slug, body = self._named(request), request.get("body") or {}
        self._store.add(slug, str(body.get("versionNotes") or ""), _tokens(body))
        return self._made(slug)

    def get_dataset_status(self, request: Wire) -> Wire:
        return {"status": self._store.status(self._named(request))}

    def list_dataset_files(self, request: Wire) -> Wire:
        folder = self._store.dataset_folder(self._store.owner, self._named(request))
        paths = sorted(folder.iterdir()) if folder else []
        answer = page(paths, request, "datasetFiles")
        answer["datasetFiles"] = [
            {
                "name": path.name,
                "totalBytes": path.stat().st_size,
                "creationDate": stamp(path.stat().st_mtime),
            }
            for path in answer["datasetFiles"]
        ]
        return answer

    def _own(self, request: Wire) -> None:
        if request.get("ownerSlug") != self._store.owner:
            raise RefusedError(403, "Permission 'datasets.get' was denied")

    def _named(self, request: Wire) -> str:
        """The slug of a dataset that is there."""
        self._own(request)
        return self._store.kept(str(request.get("datasetSlug", ""))).slug

    def _made(self, slug: str) -> Wire:
        ref = f"{self._store.owner}/{slug}"
        return {"ref": f"/{ref}", "url": f"https://www.kaggle.com/datasets/{ref}", "status": "ok"}


def _tokens(request: Wire) -> list[str]:
    return [str(each.get("token", "")) for each in request.get("files") or []]
