"""Find archives among files, list their members, and unpack one into a folder."""

import importlib
import lzma
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from zipfile import BadZipFile

from common.data.archives import sevenzip_program, tar_reader, zip_reader
from common.data.archives.formats import HEAD, format_of, is_archive, is_unsupported
from common.data.archives.members import DamagedError, Listing, RefusedError
from common.data.archives.pack import PackWriter
from common.data.archives.parts import open_parts, parts_of
from common.data.archives.writer import write_members
from common.errors import KitError
from common.progress import bar, say
from common.storage import check_is_content

# Raised for damage by the kit's own code; the libraries raise other errors as well.
DAMAGE = (DamagedError, BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError)
BY_HAND = "unpack it by hand, in the folder where it lies"
COMPRESSED = (".gz", ".bz2", ".xz")  # one file each, or a tar whose name does not say so
ARCHIVES = ("zip", "7z", "tar", "rar", "cab")  # formats of many files
MAX_PROBED = 100  # files without a suffix in one folder that are opened to see what they are


def find_archives(files: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Pick out the archives: those that can be read, split ones by one part, and the unsupported.

    A file's name decides, and where it has no suffix, or only that of a compressed file, its bytes.

    Raises:
        KitError: a part of a split archive is missing.
    """
    files = list(files)
    bare = Counter(file.parent for file in files if not file.suffix)
    found: dict[Path, None] = {}
    for file in files:
        if is_archive(file):
            parts = parts_of(file)
            found[parts[-1] if parts[-1].suffix.lower() == ".zip" else parts[0]] = None
        elif file.suffix.lower() in COMPRESSED:
            found |= {file: None} if tar_reader.is_tar(file) else {}
        elif not file.suffix and bare[file.parent] <= MAX_PROBED and _format(file) in ARCHIVES:
            found[file] = None
    return list(found), [file for file in files if is_unsupported(file.name)]


def listing_of(archive: Path) -> Listing:
    """List an archive's members.

    Raises:
        KitError: the archive is damaged, encrypted, or nothing here can read it.
    """
    with _errors_naming(archive):
        return _reader(archive)(archive)


def unpack(archive: Path, listing: Listing, into: Path, pack: PackWriter | None) -> None:
    """Unpack one archive into an existing folder.

    Args:
        archive: a file that `find_archives` has found.
        listing: of it, checked by `safety.check_members`.
        into: a folder that the caller removes when this fails.
        pack: not opened yet; takes the images in place of `into`. None keeps them files.

    Raises:
        KitError: the archive is damaged, or cannot be read here.
    """
    members = listing.members
    files, size = sum(not member.folder for member in members), sum(m.size for m in members)
    say(f"unpacking {archive.name}: {files:,} files, {size / 1e6:,.1f} MB")
    with (
        bar(size, f"unpacking {archive.name}", "B") as progress,
        _errors_naming(archive),
        pack or nullcontext(),
    ):
        write_members(listing, into, progress.update, pack)


def _format(archive: Path) -> str | None:
    with open_parts(archive) as file:
        return format_of(file.read(HEAD))


def _reader(archive: Path) -> Callable[[Path], Listing]:
    check_is_content(parts_of(archive)[0])
    kind = _format(archive)
    if kind is None:
        name = parts_of(archive)[0].name.lower()
        kind = "zip" if ".zip" in name else "7z" if ".7z" in name else "tar"
    if kind == "zip":
        return zip_reader.listing
    if kind in ("tar", *tar_reader.OPENERS):
        return tar_reader.listing
    if kind != "7z":
        raise RefusedError(f"{archive} is a {kind} archive, which the kit cannot read: {BY_HAND}")
    try:
        library = importlib.import_module("common.data.archives.sevenzip")
    except ImportError:
        if sevenzip_program.program():
            return sevenzip_program.listing
        raise KitError(
            f"{archive} cannot be read without a reader for 7z: install the library with "
            "`pip install py7zr`, or the program 7z"
        ) from None
    listing: Callable[[Path], Listing] = library.listing
    return listing


def _raised_by_library(error: Exception) -> bool:
    """Was this raised outside the kit? A library may raise any error at damaged bytes."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and not trace.tb_frame.f_globals["__name__"].startswith("common.")


@contextmanager
def _errors_naming(archive: Path) -> Iterator[None]:
    """Turn the errors of readers and of the disk into a KitError that names the archive."""
    try:
        yield
    except RefusedError as refused:
        named = str(archive) in str(refused)
        raise refused if named else RefusedError(f"{archive} was not unpacked: {refused}") from None
    except NotImplementedError as error:
        raise KitError(
            f"{archive} is compressed by a method that the kit cannot read ({error}): {BY_HAND}"
        ) from error
    except FileExistsError as error:
        raise KitError(
            f"{archive} holds {Path(str(error.filename)).name}, and something else of that name was "
            "unpacked to the same place: unpack it by hand and rename one of the two"
        ) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None and error.strerror:
            raise KitError(
                f"could not unpack {archive}: {error.strerror} ({error.filename or archive}); free "
                "some space or make the folder writable, then try again"
            ) from error
        if not (isinstance(error, DAMAGE) or _raised_by_library(error)):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise KitError(
            f"{archive} is damaged or was cut short ({reason}): delete it and download it again"
        ) from error
