"""The host's kernels: versions taken in, run one after the other, their output remembered."""

import shutil
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from common.errors import KitError
from common.kaggle.server.faults import Faults
from common.kaggle.server.hosted import Hosted
from common.kaggle.server.rerun import run_hidden
from common.kaggle.server.wire import RefusedError
from common.kaggle.session import Ending, RunKernel, Session
from common.storage import read_json, write_json, write_text

SCRIPT, NOTEBOOK, LOG, WORKING, RERUN = "kernel.py", "kernel.ipynb", "log.jsonl", "working", "rerun"
LONGEST_RUN_S = 12 * 3600.0

DatasetFolder = Callable[[str, str], Path | None]


def no_dataset(_owner: str, _slug: str) -> Path | None:
    """For a host that holds no datasets."""
    return None


@dataclass
class Version:
    """One version of a kernel: what was pushed, and how its run stands.

    Attributes:
        request: the fields of SaveKernel without the source, as they came.
        sources: what is mounted: "competitions/<slug>", "datasets/<owner>/<slug>",
            "notebooks/<owner>/<slug>".
        when: seconds since the epoch.
    """

    slug: str
    number: int
    title: str
    request: dict[str, Any]
    sources: list[str]
    when: float
    status: str = "QUEUED"
    failure: str = ""
    stop: threading.Event = field(default_factory=threading.Event, compare=False, repr=False)

    @property
    def file(self) -> str:
        """The name of what was pushed."""
        return NOTEBOOK if self.request.get("kernelType") == "notebook" else SCRIPT

    def plain(self) -> dict[str, Any]:
        """What is written to disk."""
        return {name: value for name, value in vars(self).items() if name != "stop"}


class KernelStore:
    """Keeps kernels below `folder`; a store opened there again has them.

    `<slug>/<number>/` holds `kernel.py` or `kernel.ipynb`, `log.jsonl`, and `working`, which is the output.
    """

    def __init__(
        self,
        folder: Path,
        competitions: Mapping[str, Hosted],
        faults: Faults,
        run_kernel: RunKernel | None,
        *,
        dataset_folder: DatasetFolder = no_dataset,
        username: str = "you",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._record = folder / "kernels.json"
        self._competitions = competitions
        self._faults = faults
        self._run_kernel = run_kernel
        self.dataset_folder = dataset_folder
        self.username = username
        self.clock = clock
        self._closing = threading.Event()
        self._lock = threading.RLock()
        self._runner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kernels")
        known = read_json(self._record) if self._record.exists() else []
        self._versions = [Version(**row) for row in known]
        for version in self._versions:
            if version.status == "RUNNING":  # the process that ran it was killed
                version.status = "QUEUED"
            if version.status == "QUEUED" and run_kernel is not None:
                self._runner.submit(self._run, version)

    @property
    def runs_kernels(self) -> bool:
        """Can anything be pushed?"""
        return self._run_kernel is not None

    def save(
        self, slug: str, title: str, text: str, sources: list[str], request: dict[str, Any]
    ) -> Version:
        """Take in a new version of a kernel; it runs when those before it have."""
        with self._lock:
            number = 1 + max((each.number for each in self._of(slug)), default=0)
            version = Version(slug, number, title, request, sources, self.clock())
            write_text(self.place(version) / version.file, text)
            self._versions.append(version)
            self._save()
        self._runner.submit(self._run, version)
        return version

    def version(self, owner: str, slug: str, label: str = "") -> Version:
        """A version by its label ("v3"), or the newest; 403 for a kernel that is not shown."""
        with self._lock:
            versions = self._of(slug) if owner == self.username else []
        if not versions:
            raise RefusedError(403, "Permission 'kernels.get' was denied")
        for version in reversed(versions):
            if label in ("", f"v{version.number}"):
                return version
        raise RefusedError(404, f"Kernel version not found: {label}")

    def shown(self, owner: str, slug: str) -> Version:
        """The newest version that is told of by now."""
        self.version(owner, slug)
        with self._lock:
            late = [
                (each, max((hosted.late_s for hosted in self.competitions(each)), default=0.0))
                for each in reversed(self._of(slug))
            ]
        for version, late_s in late:
            if version.when + late_s <= self.clock():
                return version
        raise RefusedError(403, "Permission 'kernels.get' was denied")

    def competitions(self, version: Version) -> list[Hosted]:
        """What it uses of what is hosted."""
        places = (source.partition("/") for source in version.sources)
        return [self._competitions[slug] for kind, _, slug in places if kind == "competitions"]

    def has(self, owner: str, slug: str) -> bool:
        """Is there such a kernel?"""
        with self._lock:
            return owner == self.username and bool(self._of(slug))

    def kernel_id(self, version: Version) -> int:
        """The kernel's number, the same for all its versions."""
        return 1 + list(dict.fromkeys(each.slug for each in self._versions)).index(version.slug)

    def place(self, version: Version) -> Path:
        """Where a version is kept."""
        return self._folder / version.slug / str(version.number)

    def source(self, version: Version) -> str:
        """The script or the notebook that was pushed."""
        return (self.place(version) / version.file).read_text(encoding="utf-8")

    def log(self, version: Version) -> str:
        """What it has printed so far, as the site keeps it: a JSON array's text, or ""."""
        path = self.place(version) / LOG
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        return f"[{', '.join(lines)}]" if lines else ""

    def close(self) -> None:
        """Stop what runs; it and what waits are run when a store is opened here again."""
        self._closing.set()
        for version in self._versions:
            version.stop.set()
        self._runner.shutdown(wait=True, cancel_futures=True)

    def _of(self, slug: str) -> list[Version]:
        return [version for version in self._versions if version.slug == slug]

    def _run(self, version: Version) -> None:
        if self._closing.is_set():
            return
        self._note(version, Ending("RUNNING"))
        fault = self._faults.take("Kernel")
        if fault:
            self._closing.wait(fault.slow_s)
        try:
            if fault and not fault.slow_s:
                ending = Ending("ERROR", fault.message)
            else:
                assert self._run_kernel is not None
                ending = self._run_kernel(self._session(version))
        except Exception as error:  # or it would stay RUNNING for ever
            ending = Ending("ERROR", f"The kernel could not be run: {error!r}")
        if self._closing.is_set() and ending.status != "COMPLETE":  # stopped, not failed
            ending = Ending("QUEUED")
        self._note(version, ending)

    def rerun(self, version: Version, hosted: Hosted, name: str) -> Path:
        """The file `name` that a version writes when it is run on its competition's hidden files.

        Raises:
            RerunError: why there is none, in the site's words.
        """
        assert self._run_kernel is not None
        place = self.place(version) / RERUN
        shutil.rmtree(place, ignore_errors=True)
        (place / WORKING).mkdir(parents=True)
        session = replace(self._session_of(version, place), stop=self._closing)
        return run_hidden(session, self._run_kernel, hosted, name)

    def _session(self, version: Version) -> Session:
        place = self.place(version)
        if (place / WORKING).exists():  # it starts over, not on top of a partial run
            shutil.rmtree(place / WORKING)
        (place / LOG).unlink(missing_ok=True)
        (place / WORKING).mkdir()
        return self._session_of(version, place)

    def _session_of(self, version: Version, place: Path) -> Session:
        """A version's session, with its output and log in this folder."""
        return Session(
            script=self.place(version) / version.file,
            inputs={source: self._mounted(source) for source in version.sources},
            working=place / WORKING,
            log=place / LOG,
            internet=bool(version.request.get("enableInternet")),
            seconds=float(version.request.get("sessionTimeoutSeconds") or LONGEST_RUN_S),
            stop=version.stop,
        )

    def _mounted(self, source: str) -> Path:
        kind, *names = source.split("/")
        if kind == "competitions":
            return self._competitions[names[0]].files
        if kind == "datasets":
            folder = self.dataset_folder(*names)
            if folder is None:
                raise KitError(f"the dataset {'/'.join(names)} is gone")
            return folder
        for version in reversed(self._of(names[1])):
            if version.status in ("COMPLETE", "ERROR"):
                return self.place(version) / WORKING
        raise KitError(f"the kernel {'/'.join(names)} has no output yet")

    def _note(self, version: Version, ending: Ending) -> None:
        with self._lock:
            version.status, version.failure = ending.status, ending.failure
            self._save()

    def _save(self) -> None:
        write_json(self._record, [version.plain() for version in self._versions])
