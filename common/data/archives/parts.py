"""Archives that are split into several files, read as if they were one."""

import io
import re
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import IO, Any, cast

from common.data.archives.kinds import PIECE, SPANNED
from common.errors import KitError
from common.progress import first_of

BUFFER = 1 << 16


def pieces_of(archive: Path) -> list[Path]:
    """The files that hold an archive's bytes, in order: itself, or all pieces of a split one.

    Args:
        archive: a file, or any piece: data.zip.002, data.tar.gz.ab; data.z01 or data.zip.

    Raises:
        KitError: a piece is missing, or the whole lies beside pieces that are not it.
    """
    if found := PIECE.fullmatch(archive.name):
        return _plain(archive, found["whole"])
    if SPANNED.fullmatch(archive.name) or archive.suffix.lower() == ".zip":
        return _spanned(archive)
    return [archive]


def open_pieces(archive: Path) -> IO[bytes]:
    """Open an archive for reading, a split one as one file."""
    pieces = pieces_of(archive)
    if len(pieces) == 1:
        return pieces[0].open("rb")
    return cast(IO[bytes], io.BufferedReader(_Joined(pieces), BUFFER))


def size_of(archive: Path) -> int:
    """Bytes of an archive, all pieces together."""
    return sum(piece.stat().st_size for piece in pieces_of(archive))


def _plain(archive: Path, whole: str) -> list[Path]:
    by_number = {
        _number(found["piece"]): each
        for each in archive.parent.iterdir()
        if (found := PIECE.fullmatch(each.name)) and found["whole"].lower() == whole.lower()
    }
    order = sorted(by_number)
    pieces = [by_number[number] for number in order]
    joined = archive.with_name(whole)
    if joined.is_file():
        if joined.stat().st_size == sum(each.stat().st_size for each in pieces):
            return [joined]
        raise KitError(
            f"{joined} lies beside {first_of([each.name for each in pieces])}, which are not its pieces: "
            "move the one or the others away"
        )
    lacking = sorted({*range(min(1, order[0]), order[-1])} - {*order})
    if lacking:
        raise KitError(
            f"{joined} is split, and of its pieces ({first_of([each.name for each in pieces])}) "
            f"number {first_of([str(number) for number in lacking])} is missing: download it again"
        )
    return pieces


def _spanned(archive: Path) -> list[Path]:
    stem = archive.name[: archive.name.rindex(".")]
    by_number = {
        int(found["piece"]): each
        for each in archive.parent.iterdir()
        if (found := SPANNED.fullmatch(each.name)) and found["whole"] == stem
    }
    if not by_number:
        return [archive]
    last = next(
        (
            each
            for each in archive.parent.iterdir()
            if re.fullmatch(re.escape(stem) + r"\.zip", each.name, re.I)
        ),
        None,
    )
    lacking = [
        f"{stem}.z{number:02}" for number in range(1, max(by_number)) if number not in by_number
    ]
    if last is None or lacking:
        raise KitError(
            f"{archive.parent / stem}.zip is split, and its piece {first_of(lacking) or f'{stem}.zip'} is "
            "missing: download it again"
        )
    return [*(by_number[number] for number in sorted(by_number)), last]


def _number(piece: str) -> int:
    """001 is 1; aa, the first of split's, is 1 as well."""
    return int(piece) if piece.isdigit() else ord(piece[1].lower()) - ord("a") + 1


class _Joined(io.RawIOBase):
    """Several files one after another, for reading."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files = [path.open("rb", buffering=0) for path in paths]
        self._ends = list(accumulate(path.stat().st_size for path in paths))
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._ends[-1])[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        for file, end in zip(self._files, self._ends, strict=True):
            if self._at < end:
                view = memoryview(buffer)[: end - self._at]
                file.seek(self._at - end, io.SEEK_END)
                count = file.readinto(view) or 0
                self._at += count
                return count
        return 0

    def close(self) -> None:
        for file in self._files:
            file.close()
        super().close()
