"""A submission file from elsewhere to its rows: CSV, zip or gzip; errors name any other format."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from common.data.archives.formats import HEAD, format_of
from common.data.csv_rows import UTF_16
from common.data.table import SEPARATORS, read_csv
from common.errors import KitError
from common.progress import counted, first_of

SAVE = "save it as CSV UTF-8"
WRITE = "write it as CSV (DataFrame.to_csv(…, index=False))"
AGAIN = "download or export the CSV itself again"
# First bytes of other formats: the format's name and what to do.
BEGINNINGS: Mapping[bytes, tuple[str, str]] = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ("an old Excel workbook (xls)", SAVE),
    b"PAR1": ("a Parquet file", WRITE),
    b"ARROW1": ("an Arrow (Feather) file", WRITE),
    b"FEA1": ("a Feather file", WRITE),
    b"Obj\x01": ("an Avro file", WRITE),
    b"\x89HDF": ("an HDF5 file", WRITE),
    b"\x93NUMPY": ("a NumPy array (npy)", WRITE),
    b"SQLite format 3": ("an SQLite database", WRITE),
    b"\x80\x02": ("a pickle", WRITE),
    b"\x80\x03": ("a pickle", WRITE),
    b"\x80\x04": ("a pickle", WRITE),
    b"\x80\x05": ("a pickle", WRITE),
    b"%PDF": ("a PDF document", "export the table as CSV UTF-8"),
    b"{\\rtf": ("an RTF document", SAVE),
    b"\x89PNG": ("an image (PNG)", AGAIN),
    b"\xff\xd8\xff": ("an image (JPEG)", AGAIN),
    b"GIF8": ("an image (GIF)", AGAIN),
    b"\x7fELF": ("a program", AGAIN),
    b"version https://git-lfs": ("a Git LFS pointer, not the file itself", "call `git lfs pull`"),
}
# The same for text, in lower case and without leading space.
TEXTS: Mapping[bytes, tuple[str, str]] = {
    b"<!doctype html": ("an HTML page", AGAIN),
    b"<html": ("an HTML page", AGAIN),
    b"<head": ("an HTML page", AGAIN),
    b"<!--": ("an HTML page", AGAIN),
    b"<?xml": ("an XML file", SAVE),
    b"{": ("JSON", WRITE),
    b"[{": ("JSON", WRITE),
}
# Formats that are zip archives, by a part of a member's name.
ZIPPED: Mapping[str, tuple[str, str]] = {
    "xl/": ("an Excel workbook (xlsx)", SAVE),
    "word/": ("a Word document", SAVE),
    "ppt/": ("a PowerPoint document", SAVE),
    "mimetype": ("an OpenDocument file", SAVE),
    ".iwa": ("an Apple Numbers document", "export it as CSV UTF-8"),
    ".npy": ("a NumPy archive (npz)", WRITE),
    "data.pkl": ("a PyTorch file", WRITE),
}
PACKED: Mapping[str, tuple[str, tuple[str, ...], Callable[[bytes], bytes]]] = {
    "gz": ("gzip", (".gz", ".gzip"), gzip.decompress),
    "bz2": ("bzip2", (".bz2",), bz2.decompress),
    "xz": ("xz", (".xz",), lzma.decompress),
}
DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError)


def read_file(path: Path, sample: pd.DataFrame) -> tuple[pd.DataFrame, bytes, list[str]]:
    """A submission file to its rows, the bytes of its CSV, and remarks on compression.

    A zip archive of one CSV is accepted, as by Kaggle, and a gzip, bzip2 or xz file; the suffix
    must match, because Kaggle goes by it.

    Raises:
        KitError: it is missing, empty or not a CSV; the format found, and what to do.
    """
    if path.is_dir():
        raise KitError(f"{path} is a folder: name the CSV file in it")
    if not path.exists():
        raise KitError(f"there is no file {path}: check its name")
    data, remarks = path.read_bytes(), []
    kind = format_of(data[:HEAD]) or ""
    if kind == "zip":
        _refuse(path, _zipped(data))
        name, data = _one_of(path, data)
        _check_name(path, "a zip archive", (".zip",))
        remarks.append(f"{path} is a zip archive, as Kaggle takes it: {name} in it was read")
    elif kind in PACKED:
        called, suffixes, unpack = PACKED[kind]
        try:
            data = unpack(data)
        except DAMAGED as error:
            raise KitError(f"{path} is a damaged {called} file ({error}): {AGAIN}") from error
        _check_name(path, f"a {called} file", suffixes)
        remarks.append(
            f"{path} is packed by {called}: what is in it was read; by hand, upload it unpacked or as a zip"
        )
    inner = format_of(data[:HEAD])
    if inner:
        what = f"a {inner} archive" + (f" within a {kind} file" if remarks else "")
        raise KitError(f"{path} is {what}, and no CSV: unpack it and name the CSV file")
    if not data.strip():
        raise KitError(f"{path} is empty ({counted(len(data), 'byte')}): write it again")
    _refuse(path, _known(data))
    rows = read_csv(path, data=data)
    only = rows.columns[0]
    if len(rows.columns) == 1 < len(sample.columns) and any(mark in only for mark in SEPARATORS):
        read_csv(path, data=data, columns=list(sample.columns[:1]))  # raises, and names the mark
    return rows, data, remarks


def _known(data: bytes) -> tuple[str, str] | None:
    """Bytes to the name of their format and what to do; None for what may be a CSV."""
    text = data[:HEAD].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    found = [each for head, each in BEGINNINGS.items() if data.startswith(head)]
    if data[:2] not in UTF_16:
        found += [each for head, each in TEXTS.items() if text.startswith(head)]
    return found[0] if found else None


def _zipped(data: bytes) -> tuple[str, str] | None:
    """What a zip archive is besides; None for a plain one, and for a damaged one."""
    try:
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except DAMAGED:
        return None
    return next((each for part, each in ZIPPED.items() if any(part in n for n in names)), None)


def _one_of(path: Path, data: bytes) -> tuple[str, bytes]:
    """The name and the bytes of the one file in a zip archive; what a Mac adds does not count."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [
                each.filename
                for each in archive.infolist()
                if not each.is_dir()
                and not each.filename.startswith("__MACOSX/")
                and not each.filename.rpartition("/")[2].startswith(".")
            ]
            if len(names) != 1:
                raise KitError(
                    f"{path} is a zip archive of {counted(len(names), 'file')}"
                    f"{f' ({first_of(names)})' if names else ''}, and a submission is one: name the CSV file"
                )
            return names[0], archive.read(names[0])
    except RuntimeError as error:  # a password is wanted
        raise KitError(f"{path} is an encrypted zip archive: unpack it and name the CSV") from error
    except DAMAGED as error:
        raise KitError(f"{path} is a damaged zip archive ({error}): {AGAIN}") from error


def _check_name(path: Path, what: str, suffixes: tuple[str, ...]) -> None:
    if path.suffix.lower() not in suffixes:
        raise KitError(
            f"{path} is {what} by its content, and its name says otherwise, by which a site goes: "
            f"unpack it, or call it {path.name}{suffixes[0]}"
        )


def _refuse(path: Path, found: tuple[str, str] | None) -> None:
    if found:
        raise KitError(f"{path} is {found[0]}, and no CSV: {found[1]}")
