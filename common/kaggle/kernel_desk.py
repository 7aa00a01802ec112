"""The host's kernels: versions taken in, run one after the other, their output remembered."""

import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from common.atomic import read_json, write_json, write_text
from common.kaggle.faults import Faults
from common.kaggle.hosted import Hosted
from common.kaggle.protocol import RefusedError
from common.kaggle.session import Ending, RunKernel, Session

OUTPUT = "/kernel-output/"
ADDRESS_S = 15 * 60.0  # that an address of a file is good for
LONGEST_RUN_S = 12 * 3600.0
ENDED = ("COMPLETE", "ERROR", "CANCEL_ACKNOWLEDGED")

DatasetFolder = Callable[[str, str], Path | None]


def no_dataset(owner: str, slug: str) -> Path | None:
    """For a host that holds no datasets."""
    del owner, slug
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

    def plain(self) -> dict[str, Any]:
        """What is written to disk."""
        return {name: value for name, value in vars(self).items() if name != "stop"}


class KernelDesk:
    """Keeps kernels below `folder`; a desk opened there again remembers them.

    `<slug>/<number>/` holds `kernel.py`, `log.jsonl`, and `working`, which is the output.
    """

    def __init__(
        self, folder: Path, competitions: Mapping[str, Hosted], faults: Faults,
        run_kernel: RunKernel | None, *, dataset_folder: DatasetFolder = no_dataset,
        username: str = "you", clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._folder = folder
        self._record = folder / "kernels.json"
        self._competitions = competitions
        self._faults = faults
        self._run_kernel = run_kernel
        self.dataset_folder = dataset_folder
        self._username = username
        self.clock = clock
        self._secret = secrets.token_bytes(32)
        self._closing = threading.Event()
        self._lock = threading.RLock()
        self._runner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kernels")
        known = read_json(self._record) if self._record.exists() else []
        self._versions = [Version(**row) for row in known]
        for version in self._versions:
            if version.status == "RUNNING":
                version.status, version.failure = "ERROR", "The machine went away while it ran"
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
            write_text(self.place(version) / "kernel.py", text)
            self._versions.append(version)
            self._save()
        self._runner.submit(self._run, version)
        return version

    def version(self, owner: str, slug: str, label: str = "") -> Version:
        """A version by its label ("v3"), or the newest; 403 for a kernel that is not shown."""
        with self._lock:
            versions = self._of(slug) if owner == self._username else []
        if not versions:
            raise RefusedError(403, "Permission 'kernels.get' was denied")
        for version in reversed(versions):
            if label in ("", f"v{version.number}"):
                return version
        raise RefusedError(404, f"Kernel version not found: {label}")

    def has(self, owner: str, slug: str) -> bool:
        """Is there such a kernel?"""
        with self._lock:
            return owner == self._username and bool(self._of(slug))

    def ident(self, version: Version) -> int:
        """The kernel's number, the same for all its versions."""
        return 1 + list(dict.fromkeys(each.slug for each in self._versions)).index(version.slug)

    def place(self, version: Version) -> Path:
        """Where a version is kept."""
        return self._folder / version.slug / str(version.number)

    def source(self, version: Version) -> str:
        """The script that was pushed."""
        return (self.place(version) / "kernel.py").read_text(encoding="utf-8")

    def log(self, version: Version) -> str:
        """What it has printed so far, as the site keeps it: a JSON array's text."""
        path = self.place(version) / "log.jsonl"
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        return json.dumps([json.loads(line) for line in lines]) if lines else ""

    def files(self, version: Version) -> list[str]:
        """The names of its output, sorted; none before it has ended."""
        if version.status not in ENDED:
            return []
        working = self.place(version) / "working"
        return [
            path.relative_to(working).as_posix()
            for path in sorted(working.rglob("*"))
            if path.is_file() and not path.is_symlink()
        ]

    def file(self, version: Version, name: str) -> Path:
        """One of `files` on disk."""
        if name not in self.files(version):
            raise RefusedError(404, f"Output file not found: {name}")
        return self.place(version) / "working" / name

    def address(self, version: Version, name: str) -> str:
        """The signed place of a file below the host's root, good for `ADDRESS_S`."""
        place = f"{version.slug}/{version.number}/{int(self.clock() + ADDRESS_S)}"
        return f"{OUTPUT}{place}/{self._signature(f'{place}/{name}')}/{quote(name)}"

    def found(self, path: str) -> Path:
        """The file behind an address; 403 for one that has expired or was not given out."""
        parts = path.removeprefix(OUTPUT).split("/", 4)
        if len(parts) < 5:
            raise RefusedError(404, "Not found")
        slug, number, end, signature, name = *parts[:4], unquote(parts[4])
        right = self._signature(f"{slug}/{number}/{end}/{name}")
        if not hmac.compare_digest(signature.encode(), right.encode()):
            raise RefusedError(403, "Signature does not match")
        if self.clock() > int(end):
            raise RefusedError(403, "The address has expired")
        return self.file(self.version(self._username, slug, f"v{number}"), name)

    def close(self) -> None:
        """Stop what runs; what waits is run when a desk is opened here again."""
        self._closing.set()
        for version in self._versions:
            version.stop.set()
        self._runner.shutdown(wait=True, cancel_futures=True)

    def _of(self, slug: str) -> list[Version]:
        return [version for version in self._versions if version.slug == slug]

    def _signature(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()[:32]

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
        self._note(version, ending)

    def _session(self, version: Version) -> Session:
        place = self.place(version)
        (place / "working").mkdir(exist_ok=True)
        return Session(
            script=place / "kernel.py",
            inputs={source: self._mounted(source) for source in version.sources},
            working=place / "working",
            log=place / "log.jsonl",
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
                raise ValueError(f"the dataset {'/'.join(names)} is gone")
            return folder
        for version in reversed(self._of(names[1])):
            if version.status in ("COMPLETE", "ERROR"):
                return self.place(version) / "working"
        raise ValueError(f"the kernel {'/'.join(names)} has no output yet")

    def _note(self, version: Version, ending: Ending) -> None:
        with self._lock:
            version.status, version.failure = ending.status, ending.failure
            self._save()

    def _save(self) -> None:
        write_json(self._record, [version.plain() for version in self._versions])
