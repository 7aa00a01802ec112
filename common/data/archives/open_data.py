"""A competition's files, unpacked: from its folder, its archives, or a mixture of both."""

import filecmp
import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from common.data.archives.encoded_images import Encoded
from common.data.archives.extract import is_archive, listing_of
from common.data.archives.nested import unpack_all
from common.data.archives.pack import are_whole, is_packed
from common.errors import KitError
from common.progress import bar
from common.storage import alone, read_json, remove, taken_up, write_json

PACKED = b"packed 1\0"  # the layout of a folder with packs, in its key
LINKED = ".linked.json"
DOWNLOAD = "download the data with `kit <competition> download`, or name its folder (--data DIR)"


def open_folder(data: Path, cache: Path, *, packed: bool = False) -> Path:
    """The folder in which everything of a competition lies unpacked.

    Args:
        data: a folder with the competition's files or its zip and 7z archives, nested or not, or
            one such archive; it may be read-only and is never written.
        cache: a writable folder; what is unpacked goes to `unpacked/<key>` in it, where the key
            is a digest of the archives' names and bytes, so it is made once. After an interruption
            or a kill the next call goes on from there.
        packed: the archives' images stay together in packs (`common.data.packs`), which is many
            times faster for many small ones. Their paths hold, for `common.data.encoded.Encoded`,
            but there are no files; whoever lists folders needs files.

    Returns:
        `data` itself when there is nothing to unpack, else the folder in the cache, with the plain
        entries of `data` linked in. An archive whose content stands beside it is left alone.

    Raises:
        KitError: no data, or an archive that is damaged, unsafe, encrypted or too large.
    """
    entries = _entries(data)
    archives = [data] if data.is_file() else [e for e in entries if _to_unpack(e)]
    if not archives:
        return data
    folder = cache / "unpacked" / _key(archives, packed)
    with alone(folder):
        if not (folder.is_dir() and are_whole(folder)):
            with taken_up(folder) as part:
                unpack_all(archives, part, packed=packed)
        _link([e for e in entries if not is_archive(e) and not _holds(e, cache)], folder)
    return folder


def _entries(data: Path) -> list[Path]:
    """The visible entries of a data folder, in order; none for a data file."""
    if data.is_file():
        if not is_archive(data):
            raise KitError(f"{data} is neither a folder nor a zip or 7z archive: {DOWNLOAD}")
        return []
    if not data.is_dir():
        raise KitError(f"there is no folder {data}: {DOWNLOAD}")
    entries = sorted(entry for entry in data.iterdir() if not entry.name.startswith("."))
    if not entries:
        raise KitError(f"the folder {data} is empty: {DOWNLOAD}")
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
    tops = {member.name.split("/")[0] for member in listing_of(archive).members}
    if not tops or tops & {"", ".", ".."}:
        return False
    places = [archive.parent / top for top in tops]
    return all(
        place.exists() or (is_archive(place) and place.with_suffix("").exists()) for place in places
    )


def _holds(entry: Path, cache: Path) -> bool:
    return cache.resolve().is_relative_to(entry.resolve())


def _key(archives: Sequence[Path], packed: bool) -> str:
    """A digest of the archives' names and bytes, and of the layout (32 hex digits)."""
    digest = hashlib.blake2b(PACKED if packed else b"", digest_size=16)
    total = sum(archive.stat().st_size for archive in archives)
    with bar(total, "reading archives", "B") as progress:
        for archive in archives:
            digest.update(f"{archive.name}\0{archive.stat().st_size}\0".encode())
            with archive.open("rb") as file:
                while chunk := file.read(1 << 22):
                    digest.update(chunk)
                    progress.update(len(chunk))
    return digest.hexdigest()


def _link(entries: Sequence[Path], folder: Path) -> None:
    """Make the plain entries stand in the unpacked folder, and no others that once were linked."""
    record = folder / LINKED
    before: list[str] = read_json(record) if record.exists() else []
    twins = _in_packs(entries, folder)
    entries = [e for e in entries if e.name not in twins]
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
    raise _differs(entry)


def _in_packs(entries: Sequence[Path], folder: Path) -> set[str]:
    """Names of the plain images that an archive has put into a pack, too."""
    images = [entry for entry in entries if is_packed(entry.name, 0) and entry.is_file()]
    held = Encoded([folder / entry.name for entry in images])
    twins = [(at, entry) for at, entry in enumerate(images) if held.known(at)]
    for at, entry in twins:
        if held[at] != entry.read_bytes():
            raise _differs(entry)
    return {entry.name for _, entry in twins}


def _differs(entry: Path) -> KitError:
    return KitError(
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
