"""A competition's files, unpacked: from its folder, its archives, or a mixture of both."""

import filecmp
import hashlib
import shutil
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from common.atomic import read_json, replacing, write_json
from common.data.members import Member
from common.data.once import alone, remove
from common.data.unpack import is_archive, members_of, unpack
from common.progress import bar

DEEPEST = 4
LINKED = ".linked.json"
DOWNLOAD = "download the data with `kit <competition> download`, or name its folder (--data DIR)"


def open_folder(data: Path, cache: Path) -> Path:
    """The folder in which everything of a competition lies unpacked.

    Args:
        data: a folder with the competition's files or its zip and 7z archives, nested or not, or
            one such archive; it may be read-only and is never written.
        cache: a writable folder; what is unpacked goes to `unpacked/<key>` in it, where the key
            is a digest of the archives' names and bytes, so it is made once.

    Returns:
        `data` itself when there is nothing to unpack, else the folder in the cache, with the plain
        entries of `data` linked in. An archive whose content stands beside it is left alone.

    Raises:
        ValueError: no data, or an archive that is damaged, unsafe, encrypted or too large.
    """
    entries = _entries(data)
    archives = [data] if data.is_file() else [e for e in entries if _to_unpack(e)]
    if not archives:
        return data
    folder = cache / "unpacked" / _key(archives)
    with alone(folder):
        if not folder.is_dir():
            with replacing(folder) as temporary:
                _unpack_all(archives, temporary)
        _link([e for e in entries if not is_archive(e) and not _holds(e, cache)], folder)
    return folder


def _entries(data: Path) -> list[Path]:
    """The visible entries of a data folder, in order; none for a data file."""
    if data.is_file():
        if not is_archive(data):
            raise ValueError(f"{data} is neither a folder nor a zip or 7z archive: {DOWNLOAD}")
        return []
    if not data.is_dir():
        raise ValueError(f"there is no folder {data}: {DOWNLOAD}")
    entries = sorted(entry for entry in data.iterdir() if not entry.name.startswith("."))
    if not entries:
        raise ValueError(f"the folder {data} is empty: {DOWNLOAD}")
    return entries


def _to_unpack(entry: Path) -> bool:
    return is_archive(entry) and entry.is_file() and not _stands_beside(entry)


def _stands_beside(archive: Path) -> bool:
    """Has someone unpacked this archive by hand, in the folder where it lies?"""
    if archive.with_suffix("").exists():
        return True
    if archive.suffix.lower() == ".7z":
        # Listing 300,000 names takes py7zr seconds, at every call; 7z archives come one a folder.
        return False
    tops = {member.name.split("/")[0] for member in members_of(archive)}
    if not tops or tops & {"", ".", ".."}:
        return False
    places = [archive.parent / top for top in tops]
    return all(
        place.exists() or (is_archive(place) and place.with_suffix("").exists()) for place in places
    )


def _holds(entry: Path, cache: Path) -> bool:
    return cache.resolve().is_relative_to(entry.resolve())


def _key(archives: Sequence[Path]) -> str:
    """A digest of the archives' names and bytes (32 hex digits)."""
    digest = hashlib.blake2b(digest_size=16)
    total = sum(archive.stat().st_size for archive in archives)
    with bar(total, "reading archives", "B") as progress:
        for archive in archives:
            digest.update(f"{archive.name}\0{archive.stat().st_size}\0".encode())
            with archive.open("rb") as file:
                while chunk := file.read(1 << 22):
                    digest.update(chunk)
                    progress.update(len(chunk))
    return digest.hexdigest()


def _unpack_all(archives: Sequence[Path], folder: Path) -> None:
    """Unpack archives, and the archives inside them, which are then removed."""
    folder.mkdir()
    pending = deque((archive, folder, archive) for archive in archives)
    depth = dict.fromkeys(archives, 0)
    used = 0
    while pending:
        archive, into, origin = pending.popleft()
        if depth[archive] > DEEPEST:
            raise ValueError(f"{origin} holds archives in archives, {DEEPEST} deep: do not use it")
        if archive == origin or not archive.with_suffix("").exists():
            members = _unpack_from(origin, archive, into, used)
            used += sum(member.size for member in members)
            inner = [into / m.name for m in members if not m.folder and is_archive(Path(m.name))]
            depth |= dict.fromkeys(inner, depth[archive] + 1)
            pending.extend((path, path.parent, origin) for path in inner)
        if archive != origin:
            archive.unlink()


def _unpack_from(origin: Path, archive: Path, into: Path, used: int) -> Sequence[Member]:
    try:
        return unpack(archive, into, used=used)
    except ValueError as error:
        if archive == origin:
            raise
        # The inner archive is about to vanish with the temporary folder: name the one that stays.
        inside = str(error).replace(str(archive), archive.name)
        raise ValueError(f"in {origin}: {inside}") from error


def _link(entries: Sequence[Path], folder: Path) -> None:
    """Make the plain entries stand in the unpacked folder, and no others that once were linked."""
    record = folder / LINKED
    before: list[str] = read_json(record) if record.exists() else []
    ours = [e for e in entries if e.name in before or _is_free(e, folder / e.name)]
    names = [entry.name for entry in ours]
    if names != before:
        # Before the links, so that a copy cut short is known for a copy.
        write_json(record, names)
    for name in set(before) - set(names):
        remove(folder / name)
    for entry in ours:
        _link_one(entry.resolve(), folder / entry.name)


def _is_free(entry: Path, place: Path) -> bool:
    """May `entry` stand at `place`? Not if an archive has put the same file there."""
    if place.is_symlink() or not place.exists():
        return True
    if place.is_file() and entry.is_file() and filecmp.cmp(place, entry, shallow=False):
        return False
    raise ValueError(
        f"{entry} differs from the {entry.name} in an archive beside it: move one of the two away"
    )


def _link_one(target: Path, place: Path) -> None:
    if place.is_symlink() and place.readlink() == target:
        return
    remove(place)
    try:
        place.symlink_to(target, target_is_directory=target.is_dir())
    except (OSError, NotImplementedError):
        # Windows refuses links to ordinary users, and some file systems have none.
        if target.is_dir():
            shutil.copytree(target, place)
        else:
            shutil.copy2(target, place)
