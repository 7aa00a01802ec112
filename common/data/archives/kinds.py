"""Kinds of archives, by their names and by how their bytes begin."""

import re
from pathlib import Path

READ = (".zip", ".7z", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz", ".tbz2", ".tar.xz", ".txz")
# Archives that nothing here reads: each is told, and what to do with it.
UNREAD = (
    ".rar", ".zipx", ".tar.zst", ".tzst", ".tar.lz", ".tar.lz4", ".tar.lzma", ".tlz", ".tar.z", ".taz",
    ".tar.br", ".cab", ".iso", ".dmg", ".arj", ".ace", ".lzh", ".lha", ".sit", ".sitx", ".wim", ".alz",
    ".egg", ".cpio", ".zpaq",
)  # fmt: skip
# data.zip.001, data.7z.002, data.tar.gz.aa, data.zip.part1: plain pieces, one after another.
PIECE = re.compile(
    rf"(?P<whole>.+(?:{'|'.join(map(re.escape, READ))}))\.(?:part[-_]?)?(?P<piece>\d{{1,4}}|a[a-z])",
    re.IGNORECASE,
)
SPANNED = re.compile(r"(?P<whole>.+)\.z(?P<piece>\d{2,3})", re.IGNORECASE)  # data.z01 + data.zip
VOLUME = re.compile(r".+\.r\d{2,3}", re.IGNORECASE)  # data.r00 beside data.rar
MAGIC = {
    b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"PK\x07\x08": "zip", b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz", b"Rar!\x1a\x07": "rar",
    b"\x28\xb5\x2f\xfd": "zst", b"\x04\x22\x4d\x18": "lz4", b"LZIP": "lzip", b"MSCF": "cab",
    b"\x1f\x9d": "Z",
}  # fmt: skip
TAR_AT, TAR = 257, b"ustar"


def is_archive(path: Path) -> bool:
    """Does the name say that this is an archive the kit unpacks, or its first piece?"""
    return path.name.lower().endswith(READ)


def is_named_archive(name: str) -> bool:
    """Does a name say that a file is an archive or a piece of one, whether or not it can be read?"""
    low = name.lower()
    return low.endswith((*READ, *UNREAD)) or any(
        pattern.fullmatch(low) for pattern in (PIECE, SPANNED, VOLUME)
    )


def kind_of(head: bytes) -> str | None:
    """The kind of archive that begins like this: zip, 7z, tar, gz …; None for anything else."""
    if head[TAR_AT : TAR_AT + len(TAR)] == TAR:
        return "tar"
    return next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)
