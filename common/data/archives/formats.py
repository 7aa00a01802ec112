"""Tell archive formats by file name and by the first bytes."""

import re
from pathlib import Path

_SUPPORTED = r"\.(?:zip|7z|tar(?:\.(?:gz|bz2|xz))?|tgz|tbz2?|txz)"
# Archives that the kit cannot read: the user is told, and what to do with them.
_UNSUPPORTED = (
    r"\.(?:rar|zipx|tar\.(?:zst|lz|lz4|lzma|z|br)|tzst|tlz|taz|cab|iso|dmg|arj|ace|lzh|lha|sitx?|wim|alz"
    r"|egg|cpio|zpaq)"
)
SUPPORTED = re.compile(rf".*{_SUPPORTED}", re.IGNORECASE)
UNSUPPORTED = re.compile(rf".*{_UNSUPPORTED}", re.IGNORECASE)
SUFFIX = re.compile(rf"(?:\.part\d+)?(?:{_SUPPORTED}|{_UNSUPPORTED})$", re.IGNORECASE)
# data.zip.001, data.7z.002, data.tar.gz.aa, data.zip.part1: parts to be joined in order.
PART = re.compile(
    rf"(?P<whole>.+(?:{_SUPPORTED}))\.(?:part[-_]?)?(?P<part>\d{{1,4}}|a[a-z])", re.IGNORECASE
)
SPANNED = re.compile(r"(?P<whole>.+)\.z(?P<part>\d{2,3})", re.IGNORECASE)  # data.z01 + data.zip
VOLUME = re.compile(r".+\.r\d{2,3}", re.IGNORECASE)  # data.r00 beside data.rar
UNFINISHED = re.compile(
    rf".+(?:{_SUPPORTED}|\.rar)\.(?:part|partial|filepart|crdownload|opdownload|download|tmp|aria2)",
    re.IGNORECASE,
)
MAGIC = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"PK\x07\x08": "zip",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x1f\x8b": "gz",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"Rar!\x1a\x07": "rar",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"LZIP": "lzip",
    b"MSCF": "cab",
    b"\x1f\x9d": "compress",
}
TAR_OFFSET, TAR = 257, b"ustar"
HEAD = 512  # first bytes that `format_of` needs


def is_archive(path: Path) -> bool:
    """Is this, by its name, an archive that the kit unpacks, or a part of a split one?"""
    return any(each.fullmatch(path.name) for each in (SUPPORTED, PART, SPANNED))


def is_unsupported(name: str) -> bool:
    """Is this, by its name, an archive that the kit cannot read, or an unfinished download?"""
    return any(each.fullmatch(name) for each in (UNSUPPORTED, VOLUME, UNFINISHED))


def is_named_archive(name: str) -> bool:
    """Is this, by its name, an archive or a part of one, whether or not the kit can read it?"""
    return is_archive(Path(name)) or is_unsupported(name)


def stem_of(name: str) -> str:
    """An archive's name without its suffixes: data.tar.gz.aa gives data, where it is unpacked to."""
    found = PART.fullmatch(name) or SPANNED.fullmatch(name)
    name = found["whole"] if found else name
    suffix = SUFFIX.search(name)
    return name[: suffix.start()] if suffix else name.partition(".")[0]


def format_of(head: bytes) -> str | None:
    """The format of a file that begins with these bytes (zip, 7z, tar, gz …), or None."""
    if head[TAR_OFFSET : TAR_OFFSET + len(TAR)] == TAR:
        return "tar"
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), None)
