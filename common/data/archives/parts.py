"""Split archives, read as if they were one file."""

import io
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import IO, Any, cast

from common.data.archives.formats import PART, SPANNED
from common.errors import KitError
from common.progress import first_of

BUFFER = 1 << 16


def parts_of(archive: Path) -> list[Path]:
    """The files that hold an archive's bytes, in order: itself, or all parts of a split one.

    Args:
        archive: a file, or any part: data.zip.002, data.tar.gz.ab; data.z01 or data.zip.

    Raises:
        KitError: a part is missing, or the whole lies beside parts of another size.
    """
    is_zip = archive.suffix.lower() == ".zip"
    plain = PART.fullmatch(archive.name)
    if not (plain or is_zip or SPANNED.fullmatch(archive.name)):
        return [archive]
    pattern = PART if plain else SPANNED
    whole = plain["whole"] if plain else archive.stem
    beside = list(archive.parent.iterdir())
    by_number = {
        _number(found["part"]): each
        for each in beside
        if (found := pattern.fullmatch(each.name)) and found["whole"].lower() == whole.lower()
    }
    if not by_number:
        return [archive]
    parts = [by_number[number] for number in sorted(by_number)]
    joined = archive.with_name(whole)
    missing = [
        f"number {number}"
        for number in range(min(1, *by_number), max(by_number))
        if number not in by_number
    ]
    if plain and joined.is_file():
        return _joined(joined, parts)
    if not plain:  # data.z01, data.z02 and, as the last part, data.zip
        joined = archive.with_name(f"{whole}.zip")
        last = [each for each in beside if each.name.lower() == joined.name.lower()]
        missing += [] if last else [joined.name]
        parts += last[:1]
    if missing:
        raise KitError(
            f"{joined} is split, and of its parts ({first_of([part.name for part in parts])}) "
            f"{first_of(missing)} is missing: download it again"
        )
    return parts


def open_parts(archive: Path) -> IO[bytes]:
    """Open an archive for reading, a split one as one file."""
    parts = parts_of(archive)
    if len(parts) == 1:
        return parts[0].open("rb")
    return cast(IO[bytes], io.BufferedReader(_Concatenated(parts), BUFFER))


def size_of(archive: Path) -> int:
    """Bytes of an archive, all parts together."""
    return sum(part.stat().st_size for part in parts_of(archive))


def _joined(whole: Path, parts: Sequence[Path]) -> list[Path]:
    """The file that someone joined from the parts beside it."""
    if whole.stat().st_size == sum(part.stat().st_size for part in parts):
        return [whole]
    raise KitError(
        f"{whole} lies beside {first_of([part.name for part in parts])}, which are parts of another "
        "archive: move away whichever is not the download"
    )


def _number(part: str) -> int:
    """001 is 1; aa, the first of the program split's, is 1 as well."""
    return int(part) if part.isdigit() else ord(part[1].lower()) - ord("a") + 1


class _Concatenated(io.RawIOBase):
    """Several files one after another, for reading."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files = [path.open("rb", buffering=0) for path in paths]
        self._ends = list(accumulate(path.stat().st_size for path in paths))
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset + (0, self._position, self._ends[-1])[whence]
        return self._position

    def readinto(self, buffer: Any) -> int:
        for file, end in zip(self._files, self._ends, strict=True):
            if self._position < end:
                view = memoryview(buffer)[: end - self._position]
                file.seek(self._position - end, io.SEEK_END)
                count = file.readinto(view) or 0
                self._position += count
                return count
        return 0

    def close(self) -> None:
        for file in self._files:
            file.close()
        super().close()
