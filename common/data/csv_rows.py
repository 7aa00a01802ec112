"""A CSV file's rows, each value as the text it is; what would shift or join rows is refused by line.

A stray quote takes everything up to the next one for a single value, rows and all, and readers that
are lenient say nothing of it.
"""

import bz2
import csv
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.errors import KitError
from common.storage import check_is_content

SHOWN = 40  # characters of a line or a value in a message
OPENED: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
AGAIN = "write or download it again"
Rows = list[list[str]]


def read_rows(
    path: Path, columns: Sequence[str], data: bytes | None = None
) -> tuple[list[str], Rows]:
    """The header and the rows of a CSV file, blank lines left out.

    Args:
        path: the file: UTF-8, with or without a byte-order mark, compressed or not.
        columns: those whose values may have no line break; none: all. In others only what looks
            like swallowed rows is refused.

    Raises:
        KitError: it is missing, empty, no UTF-8 text, or has a quote that is never closed, a line
            break in a value, too many or too few values in a row, or a column twice.
    """
    text = _text(path, data)
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, strict=True)
    header: list[str] = []
    rows: Rows = []
    broken: list[tuple[int, int, list[str]]] = []
    ragged: list[tuple[int, list[str]]] = []
    begin = 1
    try:
        for row in reader:
            first, begin = begin, reader.line_num + 1
            if len(row) <= 1 and not "".join(row).strip():
                continue
            if not header:
                header = row
                _check_header(path, header)
                continue
            if reader.line_num > first:
                broken.append((first, reader.line_num, row))
            elif len(row) != len(header):
                ragged.append((first, row))
            rows.append(row)
    except csv.Error as error:
        raise KitError(_unreadable(path, _lines(text), begin, reader.line_num)) from error
    if not header:
        raise KitError(f"{path} is empty: {AGAIN}")
    of_text = _lines(text) if broken else []
    for first, last, row in broken:
        _check_breaks(path, of_text[first - 1 : last], first, header, row, columns)
    if ragged:
        raise KitError(_uneven(path, header, *ragged[0], len(ragged)))
    return [name or f"Unnamed: {at}" for at, name in enumerate(header)], rows


def _text(path: Path, data: bytes | None) -> str:
    try:
        if data is None:
            check_is_content(path)
            data = _bytes(path)
    except FileNotFoundError as error:
        near = [
            each
            for deep in ("*", "*/*", "*/*/*")
            for each in sorted(path.parent.glob(deep))
            if each.name.casefold() == path.name.casefold()
        ]
        remedy = (
            f"there is {near[0].relative_to(path.parent)}: rename or move it and what lies beside it"
            if near
            else "check its name, or fetch it again (`kit <competition> download`)"
        )
        raise KitError(f"there is no file {path}: {remedy}") from error
    except (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())
        raise KitError(f"{path} is not a readable CSV file ({reason}): {AGAIN}") from error
    if data.startswith(UTF_16):
        raise KitError(f"{path} is not UTF-8 text but UTF-16: save it as CSV UTF-8")
    if (at := data.find(0)) >= 0:
        line = 1 + data.count(b"\n", 0, at)
        raise KitError(
            f"{path} is not a readable CSV file (line {line} holds a NUL byte: it is damaged, or no "
            f"text): {AGAIN}"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = 1 + data.count(b"\n", 0, error.start)
        raise KitError(
            f"{path} is not UTF-8 text (byte {data[error.start]:#04x} in line {line}): save it as CSV "
            "UTF-8"
        ) from error


def _bytes(path: Path) -> bytes:
    suffix = path.suffix.lower()
    if suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            if len(names) != 1:
                raise zipfile.BadZipFile(f"{len(names)} files in it and not one")
            return archive.read(names[0])
    if suffix in OPENED:
        with OPENED[suffix](path, "rb") as file:
            return bytes(file.read())
    return path.read_bytes()


def _check_header(path: Path, header: list[str]) -> None:
    for name in header:
        if "\n" in name or "\r" in name:
            raise KitError(
                f"{path} has a column whose name runs over lines ({_short(name)}): a quote in line 1 "
                "opens and is not closed there; remove it"
            )
        if name != name.strip():
            raise KitError(f"{path} has space around its column {name!r}: remove it")
        if name and header.count(name) > 1:
            raise KitError(f"{path} has the column {name!r} twice: rename or remove one")


def _check_breaks(
    path: Path,
    lines: list[str],
    first: int,
    header: list[str],
    row: list[str],
    columns: Sequence[str],
) -> None:
    """Refuse a row of several lines, from `first` on, where a stray quote may have made it so."""
    swallowed = len(row) != len(header) or all(_has(line, len(header)) for line in lines)
    for at, value in enumerate(row):
        name = header[min(at, len(header) - 1)]
        if ("\n" in value or "\r" in value) and (swallowed or not columns or name in columns):
            raise KitError(
                f"{path} has a line break in {name!r} at line {first} ({_short(value)}, "
                f"{len(_lines(value)):,} lines long): a stray quote swallows the rows up to the next "
                'quote; remove it, or write it twice ("") within quotes'
            )


def _has(line: str, values: int) -> bool:
    """Would a line be a row of so many values if its quotes meant nothing?"""
    return values > 1 and line.count(",") == values - 1


def _lines(text: str) -> list[str]:
    return [line.rstrip("\r\n") for line in io.StringIO(text, newline="")]


def _unreadable(path: Path, lines: list[str], first: int, last: int) -> str:
    """What is wrong with the quotes of the row from line `first` to `last`, where reading stopped."""
    shown, ends = _short(lines[first - 1]), last >= len(lines) > first
    reason = (
        f"a quote opens in line {first}, {shown}, and is not closed"
        if ends or (last == first and lines[first - 1].count('"') % 2)
        else f"text follows a closing quote in line {last}, {_short(lines[last - 1])}"
        + (f"; the quote was opened in line {first}" if last > first else "")
    )
    return f'{path} is not a readable CSV file ({reason}): remove the quote, or write it twice ("") within quotes'


def _uneven(path: Path, header: list[str], line: int, row: list[str], count: int) -> str:
    """Rows with another number of values than the header has names; the first is in `line`."""
    shown = _short(",".join(row))
    if header[0].startswith("#"):
        return f"{path} begins with a comment ({_short(','.join(header))}): remove it"
    if len(header) == 1 and ";" in header[0]:
        return f"{path} has values separated by semicolons and by commas, {shown} in line {line}: use commas"
    more = "more" if len(row) > len(header) else "fewer"
    kin = f"; {count:,} such rows" if count > 1 else ""
    comma = ': quote values that hold a comma ("a, b")' if more == "more" else ""
    return (
        f"{path} is not a readable CSV file (rows with {more} values than its header has names, "
        f"{len(row)} for {len(header)} in line {line}, {shown}{kin}){comma or ': fill them in'}, or {AGAIN}"
    )


def _short(value: str) -> str:
    return repr(value if len(value) <= SHOWN else value[:SHOWN] + "…")
