"""A store and files of weights to a machine that lacks them: once, by content key, in pieces.

The driver's machine reads them out (`FileReader`, a Ray actor), the other writes them into its cache.
"""

import os
import tempfile
from collections import deque
from pathlib import Path
from typing import Any

from common.storage import locked, resumable_folder

PIECE = 32 << 20  # bytes
AHEAD = 4  # pieces on their way at once


class FileReader:
    """The files of the driver's machine by key: a folder, or one file."""

    def __init__(self, places: dict[str, Path]) -> None:
        self.places = places

    def sizes(self, key: str) -> dict[str, int]:
        """Names and sizes in bytes of a key's files."""
        place = self.places[key]
        files = sorted(place.iterdir()) if place.is_dir() else [place]
        return {path.name: path.stat().st_size for path in files if path.is_file()}

    def read(self, key: str, name: str, start: int) -> bytes:
        """A piece of a file, from `start` on."""
        place = self.places[key]
        with (place / name if place.is_dir() else place).open("rb") as file:
            file.seek(start)
            return file.read(PIECE)


def node_cache() -> Path:
    """This machine's own cache: KIT_CACHE, or a folder of this account below /tmp."""
    named = os.environ.get("KIT_CACHE")
    return Path(named) if named else Path(tempfile.gettempdir()) / f"kit-cache-{os.getuid()}"


def fetched(reader: Any, key: str, folder: Path) -> Path:
    """The folder with a key's files, fetched from the reader (an actor) unless they are there.

    Several processes of a machine fetch once; a fetch that was killed goes on where it was.
    """
    import ray

    with locked(folder):
        if folder.is_dir():
            return folder
        with resumable_folder(folder) as part:
            for name, size in ray.get(reader.sizes.remote(key)).items():
                _fetch(reader, key, part / name, size)
    return folder


def _fetch(reader: Any, key: str, path: Path, size: int) -> None:
    """Append what the file at `path` lacks of its `size` bytes."""
    import ray

    with path.open("ab") as file:
        coming: deque[Any] = deque()
        for start in range(file.tell(), size, PIECE):
            coming.append(reader.read.remote(key, path.name, start))
            if len(coming) > AHEAD:
                file.write(ray.get(coming.popleft()))
        for piece in coming:
            file.write(ray.get(piece))
