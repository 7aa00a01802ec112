"""Uploads to the loopback host: announced, received, resumed, then used by a submission or dataset."""

import secrets
import threading
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from common.kaggle.server.wire import RefusedError

CHUNK = 1 << 20
SUFFIXES = (".csv", ".gz", ".zip")  # by which a reader knows a packed file


@dataclass(frozen=True)
class Upload:
    """A file that is being uploaded; `purpose` is what it may be used for."""

    purpose: str
    name: str
    length: int
    path: Path


class Uploads:
    """Keeps what arrives in `folder`, each file under the token that stands for it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._known: dict[str, Upload] = {}
        self._lock = threading.Lock()

    def start(self, purpose: str, name: str, length: int) -> str:
        """Announce a file of `length` bytes; the token stands for it from here on."""
        path = self.place(name)
        token = path.name.partition(".")[0]
        with self._lock:
            self._known[token] = Upload(purpose, name, length, path)
        return token

    def place(self, name: str) -> Path:
        """A new place for a file, with a suffix by which a reader knows how it is packed."""
        kept = Path(name).suffix if Path(name).suffix in SUFFIXES else ""
        return self._folder / f"{secrets.token_urlsafe(24)}{kept}"

    def receive(
        self, token: str, first: int | None, stream: BufferedIOBase, length: int
    ) -> int | None:
        """Take in `length` bytes from byte `first` on (None: only asking); a cut loses nothing.

        Returns:
            None when the file is complete, else how many bytes are here.
        """
        upload = self._known.get(token)
        if upload is None:
            raise RefusedError(404, "Upload not found or expired")
        present = _present(upload)
        if first is not None and (first == 0 or first == present):
            if first + length > upload.length:
                raise RefusedError(400, f"More than the {upload.length} bytes that were announced")
            with upload.path.open("ab" if first else "wb") as file:
                while length and (data := stream.read(min(CHUNK, length))):
                    file.write(data)
                    length -= len(data)
            present = _present(upload)
        return None if present == upload.length else present

    def whole(self, token: str, purpose: str) -> Upload | None:
        """The file behind a token, once all of it is here; None for another purpose's."""
        upload = self._known.get(token)
        if upload is None or upload.purpose != purpose or _present(upload) != upload.length:
            return None
        return upload

    def used(self, token: str) -> None:
        """Forget a token: its file belongs to somebody now."""
        with self._lock:
            self._known.pop(token, None)


def _present(upload: Upload) -> int:
    return upload.path.stat().st_size if upload.path.exists() else 0
