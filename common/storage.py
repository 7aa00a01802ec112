"""Atomic writes: a file or folder is written under a temporary name, then renamed."""

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from common.errors import KitError
from common.progress import say

LOCK = "lock"  # in a `partial_folder`
POINTER = b"version https://git-lfs"  # first bytes of a Git LFS pointer
FULL = 1 << 20  # bytes free below which a failed write is blamed on the disk


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it over `path` when the block succeeds.

    The block may write a file or make a folder there. When it fails, what it wrote is removed and
    `path` stays as it was. An existing folder at `path` is replaced whole.

    Raises:
        KitError: the folder that should hold `path` cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch()
        temporary.unlink()
    except OSError as error:
        raise KitError(
            f"cannot write {path}: {error.strerror}; free some space, make the folder writable, or "
            "name another place (--runs DIR)"
        ) from error
    try:
        yield temporary
        if temporary.is_file():
            _to_disk(temporary)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        temporary.replace(path)
    except (OSError, RuntimeError) as error:  # torch wraps what its file says
        if shutil.disk_usage(path.parent).free < FULL:
            raise KitError(f"the disk is full: free some space for {path}, call again") from error
        raise
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    """fsync a file before it is renamed: a power cut must not leave an empty file."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, atomically."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    # A path need not be UTF-8: what is not is written as JSON's own escapes, and read back the same.
    write_text(path, text.encode("utf-8", "backslashreplace").decode("utf-8"))


def check_is_content(path: Path) -> None:
    """Raise a KitError if a file is a Git LFS pointer instead of its content."""
    with path.open("rb") as file:
        if file.read(len(POINTER)) != POINTER:
            return
    raise KitError(
        f"{path} is a pointer of Git LFS and not the file itself: run `git lfs pull` in the repository "
        "that it came with, or download the file"
    )


def read_json(path: Path, remedy: str = "bring it back, or delete its folder") -> Any:
    """Read a JSON file; `remedy` is what to do where it is damaged.

    Raises:
        KitError: the file is damaged, or a pointer of Git LFS.
    """
    check_is_content(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise KitError(f"{path} is damaged ({error}): {remedy}") from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of `path`, and remove temporary files that a killed process left.

    Raises:
        KitError: the folder that should hold `path` cannot be written.
    """
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=2)
        except Timeout:
            say(f"waiting for another process that is making {path}")
            lock.acquire()
    except OSError as error:
        raise _unwritable(path.parent, error) from error
    try:
        # While the lock is held no other process writes, so all temporary files are leftovers.
        for leftover in path.parent.glob(f".{path.name}.*.tmp"):
            remove(leftover)
        yield
    finally:
        lock.release()


@contextmanager
def resumable_folder(path: Path) -> Iterator[Path]:
    """Yield a folder beside `path` to fill, then rename it to `path`; the caller holds `locked(path)`.

    After an interrupted or killed call it still holds that call's files. If the block raises, the
    folder is removed and `path` is unchanged.

    Raises:
        KitError: the block could not write.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.mkdir(exist_ok=True)
        yield part
        remove(path)
        part.replace(path)
    except Exception as error:
        remove(part)
        if isinstance(error, OSError):
            raise _unwritable(path.parent, error) from error
        raise


@contextmanager
def partial_folder(path: Path, what: str, *, error: type[KitError], remedy: str) -> Iterator[Path]:
    """Yield the folder `.<name>.part` beside `path`, for a download that may be resumed.

    It is locked by this process. Files of earlier calls are kept in it, also when the block raises;
    when the block succeeds the folder is removed.

    Raises:
        KitError: of class `error`, naming `what` and ending with `remedy`: another process holds
            the folder, or it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.mkdir(parents=True, exist_ok=True)
        with FileLock(part / LOCK, timeout=0):
            try:
                yield part
            except BaseException:
                if {each.name for each in part.iterdir()} == {LOCK}:
                    shutil.rmtree(part)
                raise
        shutil.rmtree(part)
    except Timeout as busy:
        raise error(f"{what} is being brought to {path} by another process; wait for it") from busy
    except OSError as fault:
        raise error(
            f"cannot write {what} to {path}: {fault.strerror}; free some space, make the folder "
            f"writable, or {remedy}"
        ) from fault


def _unwritable(folder: Path, error: OSError) -> KitError:
    return KitError(
        f"cannot write in the cache {folder}: {error.strerror or error}; make the folder writable, "
        "free some space, or name another cache (KIT_CACHE=DIR)"
    )


def remove(path: Path) -> None:
    """Remove a file, a link (not its target) or a whole folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
