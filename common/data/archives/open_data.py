"""Open a competition's data: unpack its archives into the cache and link the other files there."""

import filecmp
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence, Set
from itertools import chain
from pathlib import Path

from common.data.archives.already_unpacked import is_unpacked_beside
from common.data.archives.encoded_images import Encoded
from common.data.archives.extract import BY_HAND, find_archives
from common.data.archives.formats import is_named_archive, stem_of
from common.data.archives.nested import unpack_all
from common.data.archives.pack import are_complete, is_packed
from common.data.archives.parts import parts_of
from common.data.image_files import IMAGES, leads_up
from common.errors import KitError
from common.progress import bar, say
from common.storage import locked, read_json, remove, replacing, write_json

# The layout of an unpacked folder, with image packs or with files only, as a part of its key.
PACKED, FILES = b"packed 1\0", b"files 2\0"
LINKED = ".linked.json"
DOWNLOAD = "download the data with `kit <competition> download`, or name its folder (--data DIR)"


def open_folder(data: Path, cache: Path, *, packed: bool = False) -> Path:
    """Return the folder in which all of a competition's files lie unpacked.

    Args:
        data: a folder with the competition's files or its zip, 7z and tar archives, in folders, in
            archives or not, or one such archive; it may be read-only and is never written.
        cache: a writable folder; what is unpacked goes to `unpacked/<key>` in it, where the key
            is a digest of the archives' names and bytes, so it is made once. Of an unpacking that
            was interrupted or killed nothing is used: the next call begins anew.
        packed: the archives' images go into packs (`common.data.archives.pack`), which is many
            times faster for many small ones. `encoded_images.Encoded` reads them by their paths,
            but there are no such files: readers that list folders need packed=False.

    Returns:
        `data` itself when there is nothing to unpack, else the folder in the cache, with the plain
        entries of `data` linked in. An archive that is unpacked beside itself is left alone. An
        archive in a subfolder is unpacked there.

    Raises:
        KitError: no data, or an archive that is damaged, unsafe, encrypted, too large, half
            unpacked, or of an unsupported format.
    """
    entries = _entries(data)
    base = data.parent if data.is_file() else data
    files = [data] if data.is_file() else list(_files_in(entries, cache))
    found, unsupported = find_archives(files)
    _check_unsupported(unsupported)
    archives = [each for each in found if data.is_file() or not is_unpacked_beside(each, cache)]
    if not archives:
        return data
    folder = cache / "unpacked" / _key(archives, packed, base)
    with locked(folder):
        if not (folder.is_dir() and are_complete(folder)):
            with replacing(folder) as temporary:
                temporary.mkdir()
                unpack_all(archives, temporary, packed=packed, base=base)
        taken = {part for each in found for part in parts_of(each)}
        _link([e for e in entries if not _holds(e, cache)], folder, taken)
    return folder


def _entries(data: Path) -> list[Path]:
    """The visible entries of a data folder, in order; none for a data file."""
    if data.is_file():
        if data not in chain(*find_archives([data])):
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
                linked = {Path(place).resolve()} if Path(place).is_symlink() else set()
                if leads_up(Path(place)) or linked & seen:
                    folders[:] = []
                    continue
                seen |= linked
                paths = (Path(place, name) for name in names if _may_be_archive(name))
                yield from (each for each in paths if each.is_file())


def _may_be_archive(name: str) -> bool:
    return not name.startswith(".") and not name.lower().endswith(IMAGES)


def _check_unsupported(archives: Sequence[Path]) -> None:
    """Raise a KitError for an archive that cannot be read, unless it seems unpacked beside."""
    for archive in archives:
        if not archive.with_name(stem_of(archive.name)).exists():
            raise KitError(
                f"{archive} is an archive of an unsupported format, or not downloaded completely: "
                f"{BY_HAND}, or pack it as zip or tar.gz, or move it away"
            )
        say(f"{archive} cannot be read: {stem_of(archive.name)} beside it is used in its place")


def _holds(entry: Path, cache: Path) -> bool:
    return cache.resolve().is_relative_to(os.path.realpath(entry))  # a link may lead in circles


def _key(archives: Sequence[Path], packed: bool, base: Path) -> str:
    """A digest of the archives' paths and bytes, and of the layout (32 hex digits)."""
    digest = hashlib.blake2b(PACKED if packed else FILES, digest_size=16)
    parts = [part for archive in archives for part in parts_of(archive)]
    total = sum(part.stat().st_size for part in parts)
    with bar(total, "reading archives", "B") as progress:
        for part in parts:
            name = part.relative_to(base).as_posix()
            digest.update(os.fsencode(f"{name}\0{part.stat().st_size}\0"))
            with part.open("rb") as file:
                while chunk := file.read(1 << 22):
                    digest.update(chunk)
                    progress.update(len(chunk))
    return digest.hexdigest()


def _link(entries: Sequence[Path], folder: Path, archives: Set[Path]) -> None:
    """Link the entries that are no archives into the unpacked folder; remove earlier links.

    A folder that archives have filled in part is linked file by file.
    """
    record = folder / LINKED
    before: list[str] = read_json(record) if record.exists() else []
    plain = dict(_plain(entries, folder, archives, set(before)))
    names = [*plain]
    if names != before:
        # Before the links, so that after a kill an unfinished copy is known to be one.
        write_json(record, names)
    for name in set(before) - set(names):
        remove(folder / name)
    for name, entry in plain.items():
        _link_one(Path(os.path.realpath(entry)), folder / name)


def _plain(
    entries: Sequence[Path], folder: Path, archives: Set[Path], before: Set[str], within: str = ""
) -> Iterator[tuple[str, Path]]:
    """What is to be linked, by its path in the folder: no archives, and none of their files."""
    packed = _in_packs(entries, folder / within)
    for entry in entries:
        name = within + entry.name
        place = folder / name
        if entry in archives or is_named_archive(entry.name) or entry.name in packed:
            continue
        if name in before or place.is_symlink() or not place.exists():
            yield name, entry
        elif place.is_dir() and entry.is_dir():
            yield from _plain(sorted(entry.iterdir()), folder, archives, before, f"{name}/")
        elif not (place.is_file() and entry.is_file() and filecmp.cmp(place, entry, shallow=False)):
            raise _differs(entry)


def _in_packs(entries: Sequence[Path], folder: Path) -> set[str]:
    """Names of the images that an archive's pack holds, too, with the same bytes."""
    images = [entry for entry in entries if is_packed(entry.name, 0) and entry.is_file()]
    held = Encoded([folder / entry.name for entry in images])
    packed = [(row, entry) for row, entry in enumerate(images) if held.known(row)]
    for row, entry in packed:
        if held[row] != entry.read_bytes():
            raise _differs(entry)
    return {entry.name for _, entry in packed}


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
