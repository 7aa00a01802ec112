"""Datasets on the loopback host: versions made of uploaded files, processed for a moment, persisted."""

import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from common.kaggle.server.faults import Faults
from common.kaggle.server.uploads import Upload, Uploads
from common.kaggle.server.wire import RefusedError
from common.storage import read_json, write_json

PREPARING_S = 0.3
BLOB = "blob"  # the purpose of an upload


@dataclass
class Version:
    """One version of a dataset; `ready` in seconds since the epoch."""

    number: int
    notes: str
    ready: float
    failed: bool = False


@dataclass
class Kept:
    """A dataset."""

    slug: str
    title: str
    private: bool
    versions: list[Version] = field(default_factory=list)


class DatasetStore:
    """Keeps one account's datasets below `folder`; a store opened there again has them."""

    def __init__(self, folder: Path, owner: str, uploads: Uploads, faults: Faults) -> None:
        self._folder = folder / "datasets"
        self._record = folder / "datasets.json"
        self.owner = owner
        self._uploads = uploads
        self._faults = faults
        self._lock = threading.Lock()
        known = read_json(self._record) if self._record.exists() else []
        self._kept = {
            row["slug"]: Kept(**row | {"versions": [Version(**each) for each in row["versions"]]})
            for row in known
        }

    def create(self, slug: str, title: str, tokens: list[str], *, private: bool) -> None:
        """Make a dataset."""
        with self._lock:
            files = self._files(tokens)
            self._kept[slug] = Kept(slug, title, private)
            self._add(self._kept[slug], "", files)

    def add(self, slug: str, notes: str, tokens: list[str]) -> None:
        """Make a version of a dataset."""
        kept = self.kept(slug)
        with self._lock:
            self._add(kept, notes, self._files(tokens))

    def has(self, slug: str) -> bool:
        """Is the slug taken?"""
        return slug in self._kept

    def kept(self, slug: str) -> Kept:
        """One dataset; refused as the site refuses what is not there and what is another's."""
        if slug not in self._kept:
            raise RefusedError(403, "Permission 'datasets.get' was denied")
        return self._kept[slug]

    def status(self, slug: str) -> str:
        """Of its newest version."""
        newest = self.kept(slug).versions[-1]
        if time.time() < newest.ready:
            return "BLOBS_RECEIVED"
        return "FAILED" if newest.failed else "READY"

    def dataset_folder(self, owner: str, slug: str) -> Path | None:
        """The files of its latest version that is ready; None when there is none."""
        if owner != self.owner or slug not in self._kept:
            return None
        ready = [v for v in self._kept[slug].versions if not v.failed and v.ready <= time.time()]
        return self._place(slug, ready[-1]) if ready else None

    def _files(self, tokens: list[str]) -> list[Upload]:
        """What was uploaded; each has to be whole."""
        found = [self._uploads.whole(token, BLOB) for token in tokens]
        files = [each for each in found if each is not None]
        if len(files) < len(tokens):
            raise RefusedError(400, "A file of the dataset was not uploaded")
        for token in tokens:
            self._uploads.used(token)
        return files

    def _add(self, kept: Kept, notes: str, files: list[Upload]) -> None:
        fault = self._faults.take("Prepare")
        lasts = fault.slow_s if fault and fault.slow_s else PREPARING_S
        failed = fault is not None and not fault.slow_s
        version = Version(len(kept.versions) + 1, notes, time.time() + lasts, failed)
        place = self._place(kept.slug, version)
        place.mkdir(parents=True, exist_ok=True)
        for each in files:
            each.path.replace(place / each.name)
        kept.versions.append(version)
        write_json(self._record, [asdict(each) for each in self._kept.values()])

    def _place(self, slug: str, version: Version) -> Path:
        return self._folder / slug / str(version.number)
