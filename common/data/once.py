"""Things made once in a cache: one process makes them, the others wait."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from common.progress import say


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock of `path`, and sweep the temporary files a killed process left of it.

    Raises:
        ValueError: the folder that should hold `path` cannot be written.
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
        # While the lock is held nobody else is writing, so whatever is temporary is a leftover.
        for leftover in path.parent.glob(f".{path.name}.*.tmp"):
            remove(leftover)
        yield
    finally:
        lock.release()


@contextmanager
def taken_up(path: Path) -> Iterator[Path]:
    """Yield a folder beside `path` to fill, for a caller `alone` with it; then rename it to `path`.

    It still holds what a call that was interrupted or killed had put there. When the block fails,
    the folder is removed, and `path` stays as it was.

    Raises:
        ValueError: the block could not write.
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


def _unwritable(folder: Path, error: OSError) -> ValueError:
    return ValueError(
        f"cannot write in the cache {folder}: {error.strerror or error}; make the folder writable, "
        "free some space, or name another cache (KIT_CACHE=DIR)"
    )


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder; never what a link points to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
