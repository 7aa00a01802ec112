"""Writing what an archive holds: never more than it declared, never over or through anything."""

import zlib
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol

from common.data.archives.pack import Packing, is_packed
from common.data.archives.safety import DamagedError, Member, RefusedError, place_of

Steps = Generator[None, None, None]


class Counter(Protocol):
    """What a progress bar must do here."""

    def update(self, n: float | None = 1) -> object:
        """Count `n` more units."""


class Writing:
    """Writes the members of one archive below a folder, as their bytes arrive.

    Never writes more than a member declares, over a file that exists, or through a link. With a
    packing, images go there; their folders are made and stay empty. Of what a call that was killed
    has left, the members that are whole by their checksums stay, and the others are made again.
    """

    def __init__(
        self,
        members: Sequence[Member],
        folder: Path,
        progress: Counter,
        packing: Packing | None = None,
        found: Mapping[Path, int] | None = None,
    ) -> None:
        self.folder = folder
        self.members = members
        self._left = {member.name: member.size for member in members if not member.folder}
        self._open: dict[str, IO[bytes]] = {}
        self._pieces: dict[str, list[bytes]] = {}
        self._made: set[str] = set()
        self._progress = progress
        self._packing = packing
        self._found = found or {}
        self._whole: set[str] = set()
        self._packed = {
            member.name
            for member in members
            if packing and not member.folder and is_packed(member.name, member.size)
        }

    def __enter__(self) -> "Writing":
        self._take_up_files()
        for member in self.members:
            if member.folder:
                self._make_folder(member.name)
            elif member.size == 0:
                self._begin(member.name)
                self._end(member.name)
        self._take_up_pack()
        self._left |= dict.fromkeys(self._whole, 0)
        self._progress.update(sum(file.size for file in self.files() if self.is_whole(file.name)))
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
        if name not in self._pieces and name not in self._open:
            self._begin(name)
        if name in self._pieces:
            self._pieces[name].append(bytes(chunk))
        else:
            self._open[name].write(chunk)
        self._left[name] = left
        self._progress.update(len(chunk))
        if left == 0:
            self._end(name)

    def files(self) -> list[Member]:
        """The members that have contents, in the archive's order."""
        return [member for member in self.members if member.size and not member.folder]

    def is_whole(self, name: str) -> bool:
        """Has an earlier call written this member?"""
        return name in self._whole

    def pour(self, members: Iterable[Member], chunks: Iterable[bytes | bytearray]) -> Steps:
        """Cut one stream of the contents of these members, in order, into files; check their CRCs."""
        files = iter(members)
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
                if not self.is_whole(member.name):
                    self.add(member.name, piece)
                left, crc = left - len(piece), zlib.crc32(piece, crc)
                if left == 0 and member.crc not in (None, crc):
                    raise DamagedError(f"the checksum of {member.name!r} is wrong")
            yield

    def unfinished(self) -> list[str]:
        """Names of the members that have not got all they declared."""
        return [name for name, left in self._left.items() if left > 0]

    def _take_up_files(self) -> None:
        for member in self.members if self._found else ():
            place = self.folder / place_of(member.name)
            if member.folder or place not in self._found:
                continue
            if 0 < member.size == self._found[place] and _crc_of(place) == member.crc:
                self._whole.add(member.name)
            else:
                place.unlink()

    def _take_up_pack(self) -> None:
        if self._packing is not None:
            images = [file for file in self.files() if file.name in self._packed]
            kept = self._packing.take_up((place_of(image.name), image) for image in images)
            self._whole |= {image.name for image in images[:kept]}

    def _begin(self, name: str) -> None:
        self._make_folder(name.rpartition("/")[0])
        if name in self._packed:
            self._pieces[name] = []
        else:
            self._open[name] = (self.folder / name).open("xb", buffering=0)

    def _end(self, name: str) -> None:
        if name in self._pieces:
            assert self._packing is not None
            self._packing.add(place_of(name), b"".join(self._pieces.pop(name)))
        else:
            self._open.pop(name).close()

    def _make_folder(self, name: str) -> None:
        if name not in self._made:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            self._made.add(name)


def _crc_of(path: Path) -> int:
    crc = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            crc = zlib.crc32(chunk, crc)
    return crc


@dataclass(frozen=True)
class Listing:
    """What an archive declares, and how its contents are handed, once, to a writing by steps."""

    members: Sequence[Member]
    extract: Callable[[Writing], Steps]
