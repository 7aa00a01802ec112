"""Kinds of archives, by their names and by how their bytes begin."""

import re
from pathlib import Path

READ = (".zip", ".7z", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz", ".tbz2", ".tar.xz", ".txz")
# Archives that nothing here reads: each is told, and what to do with it.
UNREAD = (
    ".rar",
    ".zipx",
    ".tar.zst",
    ".tzst",
    ".tar.lz",
    ".tar.lz4",
    ".tar.lzma",
    ".tlz",
    ".tar.z",
    ".taz",
    ".tar.br",
    ".cab",
    ".iso",
    ".dmg",
    ".arj",
    ".ace",
    ".lzh",
    ".lha",
    ".sit",
    ".sitx",
    ".wim",
    ".alz",
    ".egg",
    ".cpio",
    ".zpaq",
)
_READ = "|".join(map(re.escape, READ))
# data.zip.001, data.7z.002, data.tar.gz.aa, data.zip.part1: plain pieces, one after another.
PIECE = re.compile(
    rf"(?P<whole>.+(?:{_READ}))\.(?:part[-_]?)?(?P<piece>\d{{1,4}}|a[a-z])", re.IGNORECASE
)
SPANNED = re.compile(r"(?P<whole>.+)\.z(?P<piece>\d{2,3})", re.IGNORECASE)  # data.z01 + data.zip
VOLUME = re.compile(r".+\.r\d{2,3}", re.IGNORECASE)  # data.r00 beside data.rar
UNFINISHED = re.compile(
    rf".+(?:{_READ}|\.rar)\.(?:part|partial|filepart|crdownload|opdownload|download|tmp|aria2)",
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
TAR_AT, TAR = 257, b"ustar"
HEAD = 512  # bytes that tell a kind


def is_archive(path: Path) -> bool:
    """Does the name say that this is an archive the kit unpacks, or a piece of one?"""
    name = path.name
    return name.lower().endswith(READ) or bool(PIECE.fullmatch(name) or SPANNED.fullmatch(name))


def is_unread(name: str) -> bool:
    """Does the name say that this is an archive that nothing here can read?"""
    return name.lower().endswith(UNREAD) or bool(
        VOLUME.fullmatch(name) or UNFINISHED.fullmatch(name)
    )


def is_named_archive(name: str) -> bool:
    """Does the name say that this is an archive or a piece of one, whether or not it can be read?"""
    return is_archive(Path(name)) or is_unread(name)


def stem_of(name: str) -> str:
    """An archive's name without what says that it is one: what it is likely unpacked to."""
    found = PIECE.fullmatch(name) or SPANNED.fullmatch(name)
    name = found["whole"] if found else name
    for suffix in sorted((*READ, *UNREAD), key=len, reverse=True):
        if name.lower().endswith(suffix):
            return re.sub(r"\.part\d+$", "", name[: -len(suffix)], flags=re.IGNORECASE)
    return name.partition(".")[0]


def kind_of(head: bytes) -> str | None:
    """The kind of archive that begins like this: zip, 7z, tar, gz …; None for anything else."""
    if head[TAR_AT : TAR_AT + len(TAR)] == TAR:
        return "tar"
    return next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)
