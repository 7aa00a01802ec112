"""One archive into one folder, step by step: whole, or not at all."""

import importlib
import lzma
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile

from common.data.archives import sevenzip_program, tar_reader, zip_reader
from common.data.archives.kinds import HEAD, PIECE, SPANNED, is_archive, is_unread, kind_of
from common.data.archives.pack import Packing
from common.data.archives.pieces import open_pieces, pieces_of
from common.data.archives.safety import DamagedError, RefusedError
from common.data.archives.writer import Listing, Steps, Writing
from common.errors import KitError
from common.progress import bar, first_of, say
from common.storage import check_is_content

# What damage looks like in the kit's own reading of headers; libraries raise other things too.
DAMAGE = (DamagedError, BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError)
BY_HAND = "unpack it by hand, in the folder where it lies"
PACKED = (".gz", ".bz2", ".xz")  # one file each, or a tar whose name does not say so
WHOLES = ("zip", "7z", "tar", "rar", "cab")
FEW = 100  # files without a suffix in one folder that are looked into


def archives_in(files: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """The archives among some files: those to read, split ones by one of their pieces, and the others.

    Their names tell them, and where a name has no suffix, or only that of a compressed file, how
    they begin.

    Raises:
        KitError: a piece of a split archive is missing.
    """
    files = list(files)
    bare = Counter(file.parent for file in files if not file.suffix)
    read = dict.fromkeys(
        _first_of(file) if is_archive(file) else file
        for file in files
        if is_archive(file)
        or (not file.suffix and bare[file.parent] <= FEW and _kind(file) in WHOLES)
        or (file.suffix.lower() in PACKED and tar_reader.is_tar(file))
    )
    return list(read), [file for file in files if is_unread(file.name)]


def _first_of(archive: Path) -> Path:
    """The one of a split archive's pieces that stands for all: the .zip, or the first."""
    pieces = pieces_of(archive)
    spanned = SPANNED.fullmatch(pieces[0].name) and not PIECE.fullmatch(pieces[0].name)
    return pieces[-1] if spanned else pieces[0]


def listing_of(archive: Path) -> Listing:
    """List an archive's entries.

    Raises:
        KitError: the archive is damaged, encrypted, or nothing here can read it.
    """
    with _guarded(archive):
        return _reader(archive)(archive)


def unpacking(
    archive: Path, listing: Listing, into: Path, packing: Packing | None, found: Mapping[Path, int]
) -> Steps:
    """Unpack one archive in the existing folder `into`, a piece a step.

    Args:
        archive: a file that `archives_in` has found.
        listing: of it, judged to do no harm.
        into: a folder that the caller throws away when this fails.
        packing: where images go in place of `into`; none keeps them files.
        found: the files that a killed call has left, and their sizes.

    Raises:
        KitError: the archive is damaged, or cannot be read here.
    """
    members = listing.members
    files, size = sum(not member.folder for member in members), sum(m.size for m in members)
    say(f"unpacking {archive.name}: {files:,} files, {size / 1e6:,.1f} MB")
    with bar(size, f"unpacking {archive.name}", "B") as progress, _guarded(archive):
        with Writing(members, into, progress, packing, found) as writing:
            yield from listing.extract(writing)
        if missing := writing.unfinished():
            raise DamagedError(f"cut short: {first_of(missing)}")


def _kind(archive: Path) -> str | None:
    """What an archive is by its first bytes; None where they tell nothing."""
    with open_pieces(archive) as file:
        return kind_of(file.read(HEAD))


def _reader(archive: Path) -> Callable[[Path], Listing]:
    check_is_content(pieces_of(archive)[0])
    kind = _kind(archive)
    if kind is None:
        name = pieces_of(archive)[0].name.lower()
        kind = "zip" if ".zip" in name else "7z" if ".7z" in name else "tar"
    if kind == "zip":
        return zip_reader.listing
    if kind in ("tar", *tar_reader.OPENERS):
        return tar_reader.listing
    if kind != "7z":
        raise RefusedError(f"{archive} is a {kind} archive, which nothing here reads: {BY_HAND}")
    try:
        library = importlib.import_module("common.data.archives.sevenzip")
    except ImportError:
        if sevenzip_program.program():
            return sevenzip_program.listing
        raise KitError(
            f"nothing here can read {archive}: install the library with `pip install py7zr`, or "
            "the program 7z"
        ) from None
    listing: Callable[[Path], Listing] = library.listing
    return listing


def _raised_by_library(error: Exception) -> bool:
    """Was this raised outside the kit? What reads a damaged archive raises almost anything."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and not trace.tb_frame.f_globals["__name__"].startswith("common.")


@contextmanager
def _guarded(archive: Path) -> Iterator[None]:
    """Whatever a reader stumbles over becomes one sentence about the archive."""
    try:
        yield
    except RefusedError as refused:
        named = str(archive) in str(refused)
        raise refused if named else RefusedError(f"{archive} was not unpacked: {refused}") from None
    except NotImplementedError as error:
        raise KitError(
            f"{archive} is packed in a way that nothing here can read ({error}): {BY_HAND}"
        ) from error
    except FileExistsError as error:
        raise KitError(
            f"{archive} holds {error.filename}, which another archive has already put there: "
            "remove one of the two"
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
