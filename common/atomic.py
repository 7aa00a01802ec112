"""Files that are either whole or absent: written under a temporary name, then renamed."""

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FULL = 1 << 20  # bytes free below which a failed write is blamed on the disk


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it over `path` when the block succeeds.

    The block may write a file or make a folder there. When it fails, what it wrote is removed and
    `path` stays as it was. An existing folder at `path` is replaced whole.

    Raises:
        ValueError: the folder that should hold `path` cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch()
        temporary.unlink()
    except OSError as error:
        raise ValueError(
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
            raise ValueError(f"the disk is full: free some space for {path}, call again") from error
        raise
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    """Make sure of the content before the name: a power cut must not leave an empty file."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text whole."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, whole."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        ValueError: the file is damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path} is damaged ({error}): bring it back, or delete its folder"
        ) from error
