"""Has someone unpacked an archive already, where it lies? Its members are compared with what is there."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from common.data.archives.extract import BY_HAND, listing_of
from common.data.archives.kinds import is_named_archive, stem_of
from common.data.archives.pieces import pieces_of
from common.data.archives.safety import Member, is_safe
from common.errors import KitError
from common.progress import counted, first_of
from common.storage import read_json, write_text

LITTER = ("Thumbs.db", "desktop.ini")
SizeOf = Callable[[str], int | None]
Below = Callable[[str], Iterable[tuple[str, int]]]


def may_stand_beside(archive: Path) -> bool:
    """Does anything lie beside an archive that it could have been unpacked to?"""
    stem = stem_of(archive.name)
    beside = [each for each in archive.parent.iterdir() if not each.name.startswith(".")]
    return archive.suffix.lower() == ".zip" or any(
        each.is_dir() or (each.name.startswith(stem) and not is_named_archive(each.name))
        for each in beside
    )


def members_of(archive: Path, cache: Path) -> list[Member]:
    """The files of an archive, their names and sizes alone.

    To list a 7z of 300,000 files takes seconds and a tar.gz is decompressed for it, and every call
    asks: so a list is kept in the cache, for the file as it was.
    """
    if archive.suffix.lower() == ".zip":  # its list lies by itself, and is read in no time
        return [member for member in listing_of(archive).members if not member.folder]
    facts = [(str(each.resolve()), each.stat()) for each in pieces_of(archive)]
    told = [[path, found.st_size, found.st_mtime_ns] for path, found in facts]
    key = hashlib.blake2b(repr(told).encode(), digest_size=16).hexdigest()
    kept = cache / "listings" / f"{key}.json"
    if kept.is_file():
        return [Member(name, size) for name, size in read_json(kept)]
    members = [member for member in listing_of(archive).members if not member.folder]
    with suppress(OSError, ValueError):  # a cache that cannot be written costs time, and no more
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_text(kept, json.dumps([[member.name, member.size] for member in members]))
    return members


def is_unpacked(archive: Path, members: Sequence[Member], size_of: SizeOf, below: Below) -> bool:
    """Do all files of an archive lie beside it, by name and size?

    They may lie as it has them, in a folder of its own name, or moved to other folders in that one.

    Args:
        size_of: the bytes of the file at a path from the archive's folder; None where there is none.
        below: names and bytes of all files below a folder of the archive's folder.

    Raises:
        KitError: only a part of them lies there.
    """
    files = [member for member in members if not member.folder and not _is_litter(member.name)]
    if not files or not all(map(is_safe, files)):
        return False
    stem = stem_of(archive.name)
    found = [
        [_is_there(prefix + file.name.removeprefix("./"), file.size, size_of) for file in files]
        for prefix in ("", f"{stem}/")
    ]
    if not any(map(all, found)):
        found.append(_moved(files, below(stem)))
    best = max(found, key=sum)
    if all(best):
        return True
    # A file beside it is compared with the archive's own when both are there; a folder has no other.
    deep = [
        there and ("/" in file.name.removeprefix("./") or best is not found[0])
        for there, file in zip(best, files, strict=True)
    ]
    if not any(deep):
        return False
    lacking = [file.name for there, file in zip(best, files, strict=True) if not there]
    raise KitError(
        f"{archive} holds {counted(len(files), 'file')}, and {len(lacking):,} of them "
        f"{'is' if len(lacking) == 1 else 'are'} not beside it with the same name and size "
        f"({first_of(lacking)}): {BY_HAND}, or, when what lies there is meant, move the archive away"
    )


def _is_litter(name: str) -> bool:
    """What a computer puts into archives and folders by itself, and drops as it likes."""
    parts = name.removeprefix("./").split("/")
    return any(part.startswith((".", "__MACOSX")) for part in parts) or parts[-1] in LITTER


def _is_there(name: str, size: int, size_of: SizeOf) -> bool:
    return size_of(name) == size or (
        is_named_archive(name)
        and size_of(str(Path(name).with_name(stem_of(Path(name).name)))) is not None
    )


def _moved(files: Sequence[Member], below: Iterable[tuple[str, int]]) -> list[bool]:
    left = Counter((name.rpartition("/")[2], size) for name, size in below)
    found = []
    for file in files:
        key = (file.name.rpartition("/")[2], file.size)
        found.append(left[key] > 0)
        left[key] -= 1
    return found
