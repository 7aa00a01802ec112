"""The output files of the host's kernels, behind signed addresses that expire."""

import hashlib
import hmac
import secrets
from pathlib import Path
from urllib.parse import quote, unquote

from common.kaggle.server.kernels import WORKING, KernelStore, Version
from common.kaggle.server.wire import RefusedError

OUTPUT = "/kernel-output/"
ADDRESS_S = 15 * 60.0  # that an address is good for
ENDED = ("COMPLETE", "ERROR", "CANCEL_ACKNOWLEDGED")


class KernelOutputs:
    """The output files of kernel versions, at addresses that expire."""

    def __init__(self, store: KernelStore) -> None:
        self._store = store
        self._secret = secrets.token_bytes(32)

    def files(self, version: Version) -> list[str]:
        """The names of its output, sorted; none before it has ended."""
        if version.status not in ENDED:
            return []
        working = self._store.place(version) / WORKING
        return [
            path.relative_to(working).as_posix()
            for path in sorted(working.rglob("*"))
            if path.is_file() and not path.is_symlink()
        ]

    def file(self, version: Version, name: str) -> Path:
        """One of `files` on disk."""
        if name not in self.files(version):
            raise RefusedError(404, f"Output file not found: {name}")
        return self._store.place(version) / WORKING / name

    def address(self, version: Version, name: str) -> str:
        """The signed place of a file below the host's root, good for `ADDRESS_S`."""
        place = f"{version.slug}/{version.number}/{int(self._store.clock() + ADDRESS_S)}"
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
        if self._store.clock() > int(end):
            raise RefusedError(403, "The address has expired")
        return self.file(self._store.version(self._store.username, slug, f"v{number}"), name)

    def _signature(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()[:32]
