"""Submissions on the loopback host: created from uploads, counted, scored and persisted."""

import html
import math
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from common.errors import KitError
from common.kaggle.server.faults import Faults
from common.kaggle.server.hosted import Hosted
from common.kaggle.server.rerun import NO_SCORE, RerunError
from common.kaggle.server.uploads import Upload, Uploads
from common.kaggle.server.wire import RefusedError, stamp
from common.storage import read_json, write_json

LARGEST = 500_000_000  # bytes of a submission
LONGEST = 255  # characters of a description that is tidied
DAY_S = 86_400


Rerun = tuple[str, int, str]  # a kernel's slug, its version, and a file of its output


@dataclass
class Entry:
    """One submission; `when` in seconds since the epoch, scores None until there are any.

    `rerun` names the kernel that is run on hidden files for it; None: its file is there.
    """

    ref: int
    slug: str
    file: str
    stored: str
    length: int
    description: str
    when: float
    status: str = "PENDING"
    public: float | None = None
    private: float | None = None
    error: str = ""
    rerun: Rerun | None = None

    def wire(self, team: str, *, private: bool = True) -> dict[str, Any]:
        """As ListSubmissions and GetSubmission answer it."""
        told = self.private if private else None
        return {
            "ref": self.ref,
            "date": stamp(self.when),
            "fileName": self.file,
            "description": self.description,
            "status": self.status,
            "publicScore": "" if self.public is None else f"{self.public:.5f}",
            "privateScore": "" if told is None else f"{told:.5f}",
            "errorDescription": self.error,
            "totalBytes": self.length,
            "teamName": team,
            "url": f"/submissions/{self.ref}/{self.ref}.raw",
        }


class SubmissionStore:
    """Submissions and uploads below `folder`; a store opened there again has them."""

    def __init__(
        self,
        folder: Path,
        hosted: Mapping[str, Hosted],
        faults: Faults,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder / "uploads"
        self.uploads = Uploads(self._folder)
        self._record = folder / "submissions.json"
        self._hosted = hosted
        self._faults = faults
        self.clock = clock
        self._run_again: Callable[[str, Rerun], Path] | None = None
        self._closing = threading.Event()
        self._lock = threading.RLock()
        self._scorer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="scoring")
        known = read_json(self._record) if self._record.exists() else []
        self._entries = [Entry(**row) for row in known]
        for each in self._entries:  # JSON knows no tuples
            each.rerun = each.rerun and (each.rerun[0], each.rerun[1], each.rerun[2])
        for entry in self._entries:
            if entry.status == "PENDING" and entry.slug in hosted and entry.rerun is None:
                self._scorer.submit(self._score, entry)

    def rerun_by(self, run_again: Callable[[str, Rerun], Path]) -> None:
        """Say who runs kernels again; what waits for it is run."""
        self._run_again = run_again
        for entry in self._entries:
            if entry.status == "PENDING" and entry.slug in self._hosted and entry.rerun is not None:
                self._scorer.submit(self._score, entry)

    def start(self, slug: str, name: str, length: int) -> str:
        """Announce a file of `length` bytes; the token stands for it from here on."""
        if not 0 < length <= LARGEST:
            raise RefusedError(400, f"A submission holds 1 to {LARGEST} bytes, not {length}")
        return self.uploads.start(slug, name, length)

    def create(self, slug: str, token: str, description: str) -> int:
        """Enter a received file as a submission; it is scored soon after. Returns its number."""
        with self._lock:
            upload = self.uploads.whole(token, slug)
            if upload is None:
                raise RefusedError(400, "The submission file was not uploaded")
            ref = self._enter(upload, description)
            self.uploads.used(token)
        return ref

    def submit_file(self, slug: str, file: Path, description: str) -> int:
        """Enter a copy of a file of this machine as a submission. Returns its number."""
        copy = self.uploads.place(file.name)
        shutil.copyfile(file, copy)
        with self._lock:
            return self._enter(Upload(slug, file.name, copy.stat().st_size, copy), description)

    def submit_rerun(self, slug: str, rerun: Rerun, description: str) -> int:
        """Enter what a kernel will write when it is run on hidden files. Returns its number."""
        copy = self.uploads.place(rerun[-1])
        with self._lock:
            return self._enter(Upload(slug, rerun[-1], 0, copy), description, rerun)

    def _enter(self, upload: Upload, description: str, rerun: Rerun | None = None) -> int:
        hosted = self._hosted[upload.purpose]
        limit = hosted.daily_limit
        if self.today(upload.purpose) >= limit:
            raise RefusedError(
                400, f"Your team has used its daily submission allowance ({limit}) today"
            )
        ref = 1 + max((entry.ref for entry in self._entries), default=50_000_000)
        text = tidied(description) if hosted.tidy else description
        place, length = upload.path.name, upload.length
        entry = Entry(ref, upload.purpose, upload.name, place, length, text, self.clock())
        entry.rerun = rerun
        self._entries.append(entry)
        self._save()
        self._scorer.submit(self._score, entry)
        return ref

    def today(self, slug: str) -> int:
        """Submissions that count against today's limit; refused files do not, failed re-runs do."""
        day = self.clock() // DAY_S
        return sum(
            entry.when // DAY_S == day and (entry.status != "ERROR" or entry.rerun is not None)
            for entry in self.entries(slug)
        )

    def entries(self, slug: str) -> list[Entry]:
        """A competition's submissions, newest first."""
        with self._lock:
            return [entry for entry in reversed(self._entries) if entry.slug == slug]

    def listed(self, slug: str) -> list[Entry]:
        """Those of a competition that its list shows by now, newest first."""
        shown = self.clock() - self._hosted[slug].late_s
        return [entry for entry in self.entries(slug) if entry.when <= shown]

    def entry(self, ref: int) -> Entry:
        """One submission."""
        with self._lock:
            for entry in self._entries:
                if entry.ref == ref:
                    return entry
        raise RefusedError(404, f"Submission not found: {ref}")

    def closing(self) -> None:
        """Say that what is stopped from here on is not a failure of its own."""
        self._closing.set()

    def close(self) -> None:
        """Finish what is being scored."""
        self._closing.set()
        self._scorer.shutdown(wait=True)

    def _score(self, entry: Entry) -> None:
        path = self._folder / entry.stored
        fault = self._faults.take("Score")
        if fault:
            self._closing.wait(fault.slow_s)
        try:
            if fault and not fault.slow_s:
                raise KitError(fault.message)
            if entry.rerun is not None:
                self._fill(entry, path)
            told = (float(score) for score in self._hosted[entry.slug].score(path))
            public, private = (None if math.isnan(score) else score for score in told)
            result = {"status": "COMPLETE", "public": public, "private": private}
        except RerunError as error:
            if (
                self._closing.is_set()
            ):  # stopped, not failed: it is run when a store is opened again
                return
            result = {"status": "ERROR", "error": str(error)}
        except ValueError as error:
            result = {"status": "ERROR", "error": str(error).replace(str(path), entry.file)}
        except Exception as error:  # as the site does; or it would stay PENDING for ever
            result = {"status": "ERROR", "error": f"Evaluation Exception: {error!r}"}
        with self._lock:
            for name, value in result.items():
                setattr(entry, name, value)
            self._save()

    def _fill(self, entry: Entry, path: Path) -> None:
        """Run the kernel of an entry, and keep what it wrote at `path`.

        Raises:
            RerunError: it wrote nothing that has a score.
        """
        assert self._run_again is not None
        assert entry.rerun is not None
        shutil.copyfile(self._run_again(entry.slug, entry.rerun), path)
        entry.length = path.stat().st_size
        try:
            self._hosted[entry.slug].score(path)
        except ValueError as error:
            raise RerunError(NO_SCORE) from error

    def _save(self) -> None:
        write_json(self._record, [asdict(entry) for entry in self._entries])


def tidied(description: str) -> str:
    """A description as some sites keep it: one line, escaped for HTML, and not too long."""
    return html.escape(" ".join(description.split()))[:LONGEST]
