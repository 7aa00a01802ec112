"""A competition's files, unpacked: from its folder, its archives, or a mixture of both."""

import filecmp
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Sequence, Set
from functools import partial
from itertools import chain
from pathlib import Path

from common.data.archives.beside import is_unpacked, may_stand_beside, members_of
from common.data.archives.encoded_images import Encoded
from common.data.archives.extract import BY_HAND, archives_in
from common.data.archives.kinds import is_named_archive, stem_of
from common.data.archives.nested import unpack_all
from common.data.archives.pack import are_whole, is_packed
from common.data.archives.pieces import pieces_of
from common.data.image_files import IMAGES, leads_up
from common.errors import KitError
from common.progress import bar, say
from common.storage import alone, read_json, remove, taken_up, write_json

# The layout of an unpacked folder, with packs or with files alone, in its key.
PACKED, FILES = b"packed 1\0", b"files 2\0"
LINKED = ".linked.json"
DOWNLOAD = "download the data with `kit <competition> download`, or name its folder (--data DIR)"


def open_folder(data: Path, cache: Path, *, packed: bool = False) -> Path:
    """The folder in which everything of a competition lies unpacked.

    Args:
        data: a folder with the competition's files or its zip, 7z and tar archives, in folders, in
            archives or not, or one such archive; it may be read-only and is never written.
        cache: a writable folder; what is unpacked goes to `unpacked/<key>` in it, where the key
            is a digest of the archives' names and bytes, so it is made once. After an interruption
            or a kill the next call goes on from there.
        packed: the archives' images stay together in packs (`common.data.packs`), which is many
            times faster for many small ones. Their paths hold, for `common.data.encoded.Encoded`,
            but there are no files; whoever lists folders needs files.

    Returns:
        `data` itself when there is nothing to unpack, else the folder in the cache, with the plain
        entries of `data` linked in. An archive whose content stands beside it is left alone. What
        lies in folders is unpacked where it lies.

    Raises:
        KitError: no data, or an archive that is damaged, unsafe, encrypted, too large, half
            unpacked, or of a kind that is not read.
    """
    entries = _entries(data)
    base = data.parent if data.is_file() else data
    files = [data] if data.is_file() else list(_files_in(entries, cache))
    found, unread = archives_in(files)
    _tell_unread(unread)
    archives = [each for each in found if data.is_file() or not _stands_beside(each, cache)]
    if not archives:
        return data
    folder = cache / "unpacked" / _key(archives, packed, base)
    with alone(folder):
        if not (folder.is_dir() and are_whole(folder)):
            with taken_up(folder) as part:
                unpack_all(archives, part, packed=packed, base=base)
        taken = {piece for each in found for piece in pieces_of(each)}
        _link([e for e in entries if not _holds(e, cache)], folder, taken)
    return folder


def _entries(data: Path) -> list[Path]:
    """The visible entries of a data folder, in order; none for a data file."""
    if data.is_file():
        if data not in chain(*archives_in([data])):
            raise KitError(f"{data} is neither a folder nor a zip, 7z or tar archive: {DOWNLOAD}")
        return []
    if not data.is_dir():
        raise KitError(f"there is no folder {data}: {DOWNLOAD}")
    entries = sorted(entry for entry in data.iterdir() if not entry.name.startswith("."))
    if not entries:
        raise KitError(f"the folder {data} is empty: {DOWNLOAD}")
    return entries


def _files_in(entries: Sequence[Path], cache: Path) -> Iterator[Path]:
    """Every file that may be an archive, in these folders too, but not in the cache or its folder."""
    seen: set[Path] = set()
    for entry in entries:
        if entry.is_file():
            yield entry
        elif not _holds(entry, cache):
            for place, folders, names in os.walk(entry, followlinks=True):
                folders[:] = [each for each in folders if not each.startswith(".")]
                if leads_up(Path(place)):
                    folders[:] = []
                    continue
                if Path(place).is_symlink() and (real := Path(place).resolve()) in seen:
                    folders[:] = []
                    continue
                seen |= {real} if Path(place).is_symlink() else set()
                sought = (Path(place, name) for name in names if _is_sought(name))
                yield from (each for each in sought if each.is_file())


def _is_sought(name: str) -> bool:
    return not name.startswith(".") and not name.lower().endswith(IMAGES)


def _tell_unread(unread: Sequence[Path]) -> None:
    """Say which archives are not read; stop where nothing stands beside one that it may hold."""
    for archive in unread:
        if not archive.with_name(stem_of(archive.name)).exists():
            raise KitError(
                f"{archive} is an archive of a kind that nothing here reads, or not whole: {BY_HAND}, or "
                "pack it as zip or tar.gz, or move it away"
            )
        say(f"{archive} is not read: {stem_of(archive.name)} beside it is taken for what it holds")


def _stands_beside(archive: Path, cache: Path) -> bool:
    """Has someone unpacked this archive by hand, in the folder where it lies?"""
    place = archive.parent
    members = members_of(archive, cache) if may_stand_beside(archive) else []
    return is_unpacked(archive, members, partial(_size_of, place), partial(_below, place))


def _size_of(place: Path, name: str) -> int | None:
    try:
        found = (place / name).stat()
    except OSError:
        return None
    return -1 if stat.S_ISDIR(found.st_mode) else found.st_size


def _below(place: Path, folder: str) -> Iterator[tuple[str, int]]:
    for parent, _, names in os.walk(place / folder, followlinks=True):
        yield from ((name, Path(parent, name).stat().st_size) for name in names)


def _holds(entry: Path, cache: Path) -> bool:
    return cache.resolve().is_relative_to(os.path.realpath(entry))  # a link may lead in circles


def _key(archives: Sequence[Path], packed: bool, base: Path) -> str:
    """A digest of the archives' places and bytes, and of the layout (32 hex digits)."""
    digest = hashlib.blake2b(PACKED if packed else FILES, digest_size=16)
    pieces = [piece for archive in archives for piece in pieces_of(archive)]
    total = sum(piece.stat().st_size for piece in pieces)
    with bar(total, "reading archives", "B") as progress:
        for piece in pieces:
            name = piece.relative_to(base).as_posix()
            digest.update(os.fsencode(f"{name}\0{piece.stat().st_size}\0"))
            with piece.open("rb") as file:
                while chunk := file.read(1 << 22):
                    digest.update(chunk)
                    progress.update(len(chunk))
    return digest.hexdigest()


def _link(entries: Sequence[Path], folder: Path, archives: Set[Path]) -> None:
    """Make the plain entries stand in the unpacked folder, and no others that once were linked.

    A folder of which the archives have brought a part stands there file by file.
    """
    record = folder / LINKED
    before: list[str] = read_json(record) if record.exists() else []
    plain = dict(_plain(entries, folder, archives, set(before)))
    names = [*plain]
    if names != before:
        # Before the links, so that a copy cut short is known for a copy.
        write_json(record, names)
    for name in set(before) - set(names):
        remove(folder / name)
    for name, entry in plain.items():
        _link_one(Path(os.path.realpath(entry)), folder / name)


def _plain(
    entries: Sequence[Path], folder: Path, archives: Set[Path], before: Set[str], within: str = ""
) -> Iterator[tuple[str, Path]]:
    """What is to be linked, by its path in the folder: no archives, and nothing they have brought."""
    twins = _in_packs(entries, folder / within)
    for entry in entries:
        name = within + entry.name
        place = folder / name
        if entry in archives or is_named_archive(entry.name) or entry.name in twins:
            continue
        if name in before or place.is_symlink() or not place.exists():
            yield name, entry
        elif place.is_dir() and entry.is_dir():
            yield from _plain(sorted(entry.iterdir()), folder, archives, before, f"{name}/")
        elif not (place.is_file() and entry.is_file() and filecmp.cmp(place, entry, shallow=False)):
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
