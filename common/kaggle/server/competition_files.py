"""The files of a hosted competition: singly or as one archive, behind signed addresses."""

import hashlib
import hmac
import threading
from pathlib import Path
from urllib.parse import quote, unquote
from zipfile import ZIP_STORED, ZipFile

from common.kaggle.protocol import md5_of
from common.kaggle.server.hosted import Hosted
from common.kaggle.server.wire import RefusedError
from common.storage import replacing


class CompetitionFiles:
    """The files of one competition, at addresses signed with `secret`."""

    def __init__(self, hosted: Hosted, folder: Path, secret: bytes) -> None:
        self._hosted = hosted
        self._archive = folder / f"{hosted.slug}.zip"
        self._secret = secret
        self._lock = threading.Lock()
        self._bundled = False
        self._md5: dict[str, str] = {}
        self._names = [
            path.relative_to(hosted.files).as_posix()
            for path in sorted(hosted.files.rglob("*"))
            if path.is_file() and not path.is_symlink()
        ]

    def names(self) -> list[str]:
        """Paths below the competition's folder, with forward slashes, sorted."""
        return self._names

    def path(self, name: str) -> Path:
        """One of `names()` on disk."""
        if name not in self._names:
            raise RefusedError(404, f"Data file not found: {name}")
        return self._hosted.files / name

    def address(self, name: str | None) -> str:
        """The signed place of one file, or of the whole archive, below the host's root.

        The client names what it saves after the last segment.
        """
        if name is None:
            return f"/storage/{self._hosted.slug}/{self._signature('')}/bundle/archive.zip"
        self.path(name)
        return f"/storage/{self._hosted.slug}/{self._signature(name)}/file/{quote(name)}"

    def found(self, signature: str, kind: str, rest: str) -> Path:
        """The file behind an address; 403 for a signature that is not its own."""
        name = unquote(rest) if kind == "file" else ""
        if not hmac.compare_digest(signature.encode(), self._signature(name).encode()):
            raise RefusedError(403, "Signature does not match")
        return self.path(name) if name else self._whole()

    def md5(self, file: Path) -> str:
        """The MD5 of one of the files, base64, computed once."""
        key = f"{file} {etag(file)}"
        if key not in self._md5:
            self._md5[key] = md5_of(file)
        return self._md5[key]

    def _signature(self, name: str) -> str:
        text = f"{self._hosted.slug}/{name}".encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()[:32]

    def _whole(self) -> Path:
        with self._lock:
            if not self._bundled:  # anew for each host: the files may have changed since
                with (
                    replacing(self._archive) as temporary,
                    # Stored: the bulk is images, which do not shrink.
                    ZipFile(temporary, "w", ZIP_STORED, strict_timestamps=False) as archive,
                ):
                    for name in self._names:
                        archive.write(self._hosted.files / name, name)
                self._bundled = True
        return self._archive


def etag(path: Path) -> str:
    """An ETag: changes whenever the file does."""
    found = path.stat()
    return f'"{found.st_size:x}-{found.st_mtime_ns:x}"'
