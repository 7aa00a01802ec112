"""Run folders: their names (a hash of recipe and data), `run.json`, locks, digests of files."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from common import environment
from common.errors import KitError
from common.progress import say
from common.recipe import Recipe
from common.recipe_values import NAMING_STAGES, differences, model_folders
from common.storage import read_json, write_json

# Kinds of runs that have their own models.
WITH_MODELS = ("trained", "zero-training", "fetched")
EXTERNAL_FILE = "file"  # the kind of a run that is only a submission file from elsewhere


@dataclass(frozen=True)
class Run:
    """A run folder and its `run.json`."""

    folder: Path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def read(self, name: str = "run.json") -> dict[str, Any]:
        """A JSON file of the run; empty if it does not exist."""
        path = self.folder / name
        found = read_json(path) if path.is_file() else {}
        if not isinstance(found, dict):
            raise KitError(f"{path} is damaged: bring it back, or delete its folder")
        return found

    def note(self, **facts: Any) -> None:
        """Merge facts into `run.json`."""
        write_json(self.folder / "run.json", self.read() | facts)

    def recipe(self) -> Recipe:
        """The recipe the run was started with.

        Raises:
            KitError: a field that this version does not have, or the run is only a submission file.
        """
        if self.read()["kind"] == EXTERNAL_FILE:
            raise KitError(
                f"{self.folder} is a submission file from elsewhere, with no recipe and no predictions "
                "of the kit's: name another run"
            )
        kept = self.read()["recipe"]
        unknown = set(kept) - {each.name for each in fields(Recipe)}
        if unknown:
            raise KitError(
                f"{self.folder} has recipe fields that this version of the kit does not know: "
                f"{', '.join(sorted(unknown))}; use the version it was made with"
            )
        return Recipe(**kept)

    def add_seconds(self, stage: str, seconds: float) -> None:
        """Add to a stage's total seconds over all calls."""
        spent = dict(self.read().get("seconds", {}))
        spent[stage] = round(spent.get(stage, 0.0) + seconds, 2)
        self.note(seconds=spent)

    def note_peak_memory(self, **megabytes: float) -> None:
        """Record memory in MB (`host`, `device`) if it is the largest so far."""
        seen = dict(self.read().get("peak_memory", {}))
        self.note(peak_memory=seen | {k: max(v, seen.get(k, 0.0)) for k, v in megabytes.items()})


def run_folder(runs: Path, competition: str, recipe_name: str, recipe: Recipe, data: str) -> Path:
    """The run's folder `runs/<competition>-<recipe>-<8 hex>`, the hex a hash of recipe and data.

    `data` is the data's fingerprint; files named by fields enter by their content.
    """
    shaped = differences(recipe, NAMING_STAGES) | digests_of_files(recipe)
    text = json.dumps({"fields": shaped, "data": data}, sort_keys=True)
    return runs / f"{competition}-{recipe_name}-{_digest(text.encode())[:8]}"


def digests_of_files(recipe: Recipe) -> dict[str, Any]:
    """A recipe to the digests of the files it names (weights, groups, model folders, a run, images), by field.

    A run keeps those of its beginning: once it has trained the files may be gone.
    """
    found: dict[str, Any] = {}
    for name in ("weights", "groups"):
        if (path := Path(getattr(recipe, name))).is_file():
            found[name] = digest_file(path)
    if recipe.pseudo != "none":
        models = sorted(Path(recipe.pseudo).glob("fold*/weights.safetensors"))
        found["pseudo"] = [digest_file(path) for path in models]
    if recipe.pseudo_images != "none":
        found["pseudo_images"] = _digest_below(Path(recipe.pseudo_images))
    if folders := model_folders(recipe):
        files = [path for folder in folders for path in sorted(folder.glob("*.*"))]
        found["backbone"] = [digest_file(path) for path in files]
    return found


def _digest_below(place: Path) -> str:
    """One digest of a file, or of all files below a folder, linked ones too, and their names."""
    if not place.exists():
        raise KitError(f"pseudo_images={place}: there is no such folder or archive")
    files, seen = [place] if place.is_file() else [], set[str]()
    for parent, folders, names in os.walk(place, followlinks=True):
        if (real := os.path.realpath(parent)) in seen:  # a link may lead in circles
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        files += [path for name in names if (path := Path(parent, name)).is_file()]
    named = [f"{path.relative_to(place)} {digest_file(path)}" for path in sorted(files)]
    return _digest(os.fsencode("\n".join(named)))


def open_run(folder: Path, recipe: Recipe, facts: dict[str, Any]) -> Run:
    """A folder to its `Run`; a new one gets its `run.json`, a changed environment is recorded."""
    run, here = Run(folder), environment.environment()
    before = run.read().get("environment")
    if before is None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        commit = environment.git_commit(Path(__file__).parent)
        begun = {"kind": "trained", "begun": now, "recipe": asdict(recipe)}
        run.note(**begun | facts, environment=here, git_commit=commit)
    elif before != here:
        changed = [name for name in here if here[name] != before.get(name)]
        say(f"{folder}: the environment has changed since it was begun: {', '.join(changed)}")
        run.note(
            environment=here,
            environments_before=[*run.read().get("environments_before", []), before],
        )
    return run


def clear_run(folder: Path) -> None:
    """Delete a run's files, `run.json` last, but not the lock that this process holds.

    So that after an interruption it is still the old run and not taken for a new one.
    """
    for path in sorted(folder.iterdir(), key=lambda path: (path.name == "run.json", path.name)):
        if path.name not in (".lock", "owner"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextmanager
def locked_run(folder: Path) -> Iterator[None]:
    """Lock the run for this process; released however the process ends.

    Raises:
        KitError: another process has locked it, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        owner = folder / "owner"
        who = owner.read_text().strip() if owner.is_file() else "another process"
        raise KitError(
            f"{folder} is being worked on by {who}: wait for it, or stop it and call again"
        ) from None
    except OSError as error:
        raise KitError(
            f"cannot write {folder}: {error.strerror}; make it writable, or name another place "
            "(--runs DIR)"
        ) from error
    try:
        (folder / "owner").write_text(f"process {os.getpid()} on {os.uname().nodename}\n")
        for leftover in folder.rglob(".*.tmp"):  # of a process that was killed
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        yield
        (folder / ".used").touch()
    finally:
        (folder / "owner").unlink(missing_ok=True)
        lock.release()


def all_runs(runs: Path, competition: str) -> list[Run]:
    """A competition's runs, the most recently used first."""
    name = re.compile(rf"{re.escape(competition)}-.+-[0-9a-f]{{8}}")
    found = [p for p in runs.glob(f"{competition}-*/run.json") if name.fullmatch(p.parent.name)]
    return [Run(p.parent) for p in sorted(found, key=_last_used, reverse=True)]


def _last_used(path: Path) -> tuple[bool, int]:
    used = path.with_name(".used")
    return (True, used.stat().st_mtime_ns) if used.exists() else (False, path.stat().st_mtime_ns)


def fingerprint(*parts: object) -> str:
    """Ids, labels and image digests, in order, to the data's fingerprint: 16 hex digits."""
    return _digest(json.dumps(parts, sort_keys=True).encode())[:16]


def digest_file(path: Path) -> str:
    """A file's SHA-256, the first 16 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def digest_of(content: bytes) -> str:
    """As `digest_file`, of bytes."""
    return _digest(content)[:16]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
