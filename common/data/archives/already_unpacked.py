"""Has someone unpacked an archive already, in the folder where it lies? Compared by name and size."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from pathlib import Path

from common.data.archives.extract import BY_HAND, listing_of
from common.data.archives.formats import is_named_archive, stem_of
from common.data.archives.members import Member, normalised
from common.data.archives.parts import parts_of
from common.data.archives.safety import is_outside
from common.data.image_files import leads_up
from common.errors import KitError
from common.progress import counted, first_of
from common.storage import read_json, write_text

# What operating systems put into archives and folders by themselves, beside hidden files.
SYSTEM_FILES = ("Thumbs.db", "desktop.ini")


def is_unpacked_beside(archive: Path, cache: Path) -> bool:
    """Do all files of an archive lie beside it? The list of its members is kept in the cache.

    Raises:
        KitError: only a part of them lies there.
    """
    stem = stem_of(archive.name)
    beside = [each for each in archive.parent.iterdir() if not each.name.startswith(".")]
    if archive.suffix.lower() != ".zip" and not any(
        each.is_dir() or (each.name.startswith(stem) and not is_named_archive(each.name))
        for each in beside
    ):
        return False  # it takes time to list its members, and nothing here can be one of them
    members = _members_of(archive, cache)
    if any(is_outside(member.name) for member in members):
        return False
    tops = {normalised(member.name).partition("/")[0] for member in members}
    tops |= {stem, *map(stem_of, filter(is_named_archive, tops))}
    tops &= {each.name for each in beside}
    return is_unpacked(archive, members, _sizes_below(archive.parent, tops))


def is_unpacked(archive: Path, members: Sequence[Member], sizes: Mapping[str, int]) -> bool:
    """Are all files of an archive among those of a folder?

    They may lie as it has them, in a folder of its own name, or moved to other folders in that one.

    Args:
        sizes: bytes of the files in the archive's folder, by path.

    Raises:
        KitError: only a part of them is there.
    """
    files = {normalised(m.name): m.size for m in members if not (m.folder or _is_system(m.name))}
    if not files or any(map(is_outside, files)):
        return False
    paths = {path for name in sizes for path in (name, *_parents(name))}
    in_place = [
        sizes.get(name) == size or (is_named_archive(name) and _without_suffix(name) in paths)
        for name, size in files.items()
    ]
    if all(in_place):
        return True
    in_folder = _in_folder(files, f"{stem_of(archive.name)}/", sizes, paths)
    if all(in_folder):
        return True
    best = max(in_place, in_folder, key=sum)
    # A single file of the same name beside the archive is compared with its member later on.
    if not any(
        there and ("/" in name or best is in_folder)
        for there, name in zip(best, files, strict=True)
    ):
        return False
    missing = [name for there, name in zip(best, files, strict=True) if not there]
    raise KitError(
        f"{archive} holds {counted(len(files), 'file')}, and {len(missing):,} of them "
        f"{'is' if len(missing) == 1 else 'are'} not beside it with the same name and size "
        f"({first_of(missing)}): {BY_HAND}, or, when what lies there is meant, move the archive away"
    )


def _members_of(archive: Path, cache: Path) -> list[Member]:
    """The files of an archive. The list is kept in the cache: a tar.gz is decompressed for it."""
    found = [(part, part.stat()) for part in parts_of(archive)]
    facts = [[str(part.resolve()), stat.st_size, stat.st_mtime_ns] for part, stat in found]
    key = hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()
    kept = cache / "listings" / f"{key}.json"
    if kept.is_file():
        return [Member(name, size) for name, size in read_json(kept)]
    members = [member for member in listing_of(archive).members if not member.folder]
    if archive.suffix.lower() != ".zip":  # a zip's list is read at once
        with suppress(OSError, ValueError):  # a cache that cannot be written costs only time
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_text(kept, json.dumps([[member.name, member.size] for member in members]))
    return members


def _sizes_below(place: Path, tops: Iterable[str]) -> dict[str, int]:
    """Bytes of these files, and of all files in these folders, by path below `place`."""
    sizes = {top: (place / top).stat().st_size for top in tops if (place / top).is_file()}
    for top in tops:
        for parent, folders, names in os.walk(place / top, followlinks=True):
            folders[:] = [name for name in folders if not leads_up(Path(parent, name))]
            below = Path(parent).relative_to(place).as_posix()
            for name in names:
                with suppress(OSError):  # a link that leads nowhere
                    sizes[f"{below}/{name}"] = Path(parent, name).stat().st_size
    return sizes


def _parents(name: str) -> Iterable[str]:
    while name := name.rpartition("/")[0]:
        yield name


def _without_suffix(name: str) -> str:
    folder, slash, last = name.rpartition("/")
    return folder + slash + stem_of(last)


def _is_system(name: str) -> bool:
    parts = normalised(name).split("/")
    return any(part.startswith((".", "__MACOSX")) for part in parts) or parts[-1] in SYSTEM_FILES


def _in_folder(
    files: Mapping[str, int], folder: str, sizes: Mapping[str, int], paths: Set[str]
) -> list[bool]:
    """Which of the files lie below a folder, under the same path or only the same last name."""
    left = Counter(
        (name.rpartition("/")[2], size) for name, size in sizes.items() if name.startswith(folder)
    )
    found = []
    for name, size in files.items():
        key = (name.rpartition("/")[2], size)
        unpacked = is_named_archive(name) and _without_suffix(folder + name) in paths
        found.append(left[key] > 0 or unpacked)
        left[key] -= 1
    return found
