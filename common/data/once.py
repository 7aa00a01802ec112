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
        raise ValueError(
            f"cannot write in the cache {path.parent}: {error.strerror}; make the folder writable, "
            "free some space, or name another cache (KIT_CACHE=DIR)"
        ) from error
    try:
        # While the lock is held nobody else is writing, so whatever is temporary is a leftover.
        for leftover in path.parent.glob(f".{path.name}.*.tmp"):
            remove(leftover)
        yield
    finally:
        lock.release()


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder; never what a link points to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
