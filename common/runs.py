"""A run: a folder named by what shaped it, owned by one process at a time, whole at any moment."""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from common import environment
from common.atomic import read_json, write_json
from common.recipe import Recipe, differences

# What can change a trained weight or a probability; pictures, words and the wire cannot.
SHAPING = ("data", "models", "inference", "training")
SHAPING_FILES = ("recipe.py", "competition.py", "metrics.py", "randomness.py")


@dataclass(frozen=True)
class Run:
    """A run folder."""

    folder: Path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def read(self, name: str = "run.json") -> dict[str, Any]:
        """A JSON file of the run; empty when it is not there yet."""
        path = self.folder / name
        return dict(read_json(path)) if path.is_file() else {}

    def note(self, **facts: Any) -> None:
        """Add facts to `run.json`."""
        write_json(self.folder / "run.json", self.read() | facts)

    def recipe(self) -> Recipe:
        """The recipe the run was begun with."""
        return Recipe(**self.read()["recipe"])

    def add_seconds(self, stage: str, seconds: float) -> None:
        """Add to the seconds a stage has taken, over all calls that worked on the run."""
        spent = dict(self.read().get("seconds", {}))
        spent[stage] = round(spent.get(stage, 0.0) + seconds, 2)
        self.note(seconds=spent)

    def see_memory(self, **megabytes: float) -> None:
        """Note a peak of memory in MB (`host`, `device`) when it is the largest so far."""
        seen = dict(self.read().get("peak_memory", {}))
        self.note(peak_memory=seen | {k: max(v, seen.get(k, 0.0)) for k, v in megabytes.items()})


def run_folder(runs: Path, competition: str, recipe_name: str, recipe: Recipe, data: str) -> Path:
    """`runs/<competition>-<recipe>-<8 hex>`: the hex is of what the run is a function of.

    `data` is the data's fingerprint; files that fields name enter by content.
    """
    shaped = differences(recipe, ("split", "train"))
    for name in ("weights", "groups"):
        if (path := Path(str(shaped.get(name, "")))).is_file():
            shaped[name] = digest_file(path)
    kind, _, place = recipe.backbone.partition(":")
    if kind == "local-dir":  # timm's model folder
        shaped["backbone"] = [digest_file(path) for path in sorted(Path(place).glob("*.*"))]
    text = json.dumps({"fields": shaped, "data": data}, sort_keys=True)
    return runs / f"{competition}-{recipe_name}-{_digest(text.encode())[:8]}"


def begin(folder: Path, recipe: Recipe, facts: dict[str, Any]) -> Run:
    """Open a run folder, and write its `run.json` when it is new."""
    run = Run(folder)
    if not run.read():
        folder.mkdir(parents=True, exist_ok=True)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        run.note(
            kind="trained", begun=now, recipe=asdict(recipe), **facts,
            versions=environment.versions(), machine=environment.machine(),
            git_commit=environment.git_commit(Path(__file__).parent),
        )  # fmt: skip
    return run


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Hold the run for this process; released however the process ends.

    Raises:
        ValueError: another process holds it, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        owner = folder / "owner"
        who = owner.read_text().strip() if owner.is_file() else "another process"
        raise ValueError(
            f"{folder} is being worked on by {who}: wait for it, or stop it and call again"
        ) from None
    except OSError as error:
        raise ValueError(
            f"cannot write {folder}: {error.strerror}; make it writable, or name another place "
            "(--runs DIR)"
        ) from error
    try:
        (folder / "owner").write_text(f"process {os.getpid()} on {os.uname().nodename}\n")
        yield
        os.utime(folder / "run.json") if (folder / "run.json").is_file() else None
    finally:
        (folder / "owner").unlink(missing_ok=True)
        lock.release()


def all_runs(runs: Path, competition: str) -> list[Run]:
    """The runs of a competition, the one last worked on first."""
    name = re.compile(rf"{re.escape(competition)}-.+-[0-9a-f]{{8}}")
    found = [p for p in runs.glob(f"{competition}-*/run.json") if name.fullmatch(p.parent.name)]
    return [Run(p.parent) for p in sorted(found, key=lambda p: p.stat().st_mtime_ns, reverse=True)]


def code_digest(competition: Path) -> str:
    """A digest of the code that can change a result: the core's rooms and the competition's facts."""
    core = Path(__file__).parent
    files = [core / name for name in SHAPING_FILES]
    files += [path for room in SHAPING for path in sorted((core / room).rglob("*.py"))]
    files += [competition / "__init__.py"]
    return _digest(b"\0".join(path.name.encode() + path.read_bytes() for path in files))[:16]


def fingerprint(*parts: object) -> str:
    """A digest of ids, labels and image digests, in order: the data's fingerprint."""
    return _digest(json.dumps(parts, sort_keys=True).encode())[:16]


def digest_file(path: Path) -> str:
    """A digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
