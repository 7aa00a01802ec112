"""Writing what an archive holds: never more than it declared, never over or through anything."""

import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol

from common.data.members import DamagedError, Member, RefusedError


class Counter(Protocol):
    """What a progress bar must do here."""

    def update(self, n: float | None = 1) -> object:
        """Count `n` more units."""


class Writing:
    """Writes the members of one archive below a folder, as their bytes arrive.

    Never writes more than a member declares, over a file that exists, or through a link.
    """

    def __init__(self, members: Sequence[Member], folder: Path, progress: Counter) -> None:
        self.folder = folder
        self.members = members
        self._left = {member.name: member.size for member in members if not member.folder}
        self._open: dict[str, IO[bytes]] = {}
        self._made: set[Path] = set()
        self._progress = progress

    def __enter__(self) -> "Writing":
        for member in self.members:
            if member.folder:
                self._make_folder(self.folder / member.name)
            elif member.size == 0:
                self._create(member.name).close()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file in self._open.values():
            file.close()

    def add(self, name: str, chunk: bytes | bytearray | memoryview) -> None:
        """Append bytes to one member; it is closed when it has all it declared."""
        if not chunk:
            return
        left = self._left[name] - len(chunk)
        if left < 0:
            raise RefusedError(f"its member {name!r} is larger than it declares")
        file = self._open.get(name)
        if file is None:
            file = self._open[name] = self._create(name)
        file.write(chunk)
        self._left[name] = left
        if left == 0:
            self._open.pop(name).close()
        self._progress.update(len(chunk))

    def pour(self, chunks: Iterable[bytes | bytearray]) -> None:
        """Cut one stream of all contents, in the members' order, into files; check their CRCs."""
        files = (member for member in self.members if not member.folder and member.size)
        member, left, crc = None, 0, 0
        for chunk in chunks:
            view = memoryview(chunk)
            while len(view):
                if left == 0:
                    member = next(files, None)
                    if member is None:
                        raise RefusedError("it holds more than it declares")
                    left, crc = member.size, 0
                assert member is not None
                piece, view = view[:left], view[left:]
                self.add(member.name, piece)
                left, crc = left - len(piece), zlib.crc32(piece, crc)
                if left == 0 and member.crc not in (None, crc):
                    raise DamagedError(f"the checksum of {member.name!r} is wrong")

    def unfinished(self) -> list[str]:
        """Names of the members that have not got all they declared."""
        return [name for name, left in self._left.items() if left > 0]

    def _make_folder(self, folder: Path) -> None:
        if folder not in self._made:
            folder.mkdir(parents=True, exist_ok=True)
            self._made.add(folder)

    def _create(self, name: str) -> IO[bytes]:
        place = self.folder / name
        self._make_folder(place.parent)
        return place.open("xb", buffering=0)
