"""What an archive may hold: judged before a byte is written."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from common.data.archives.pieces import size_of
from common.errors import KitError
from common.progress import first_of

PACKS = ".packs"  # in a folder, what holds its images together: common.data.packs
GB = 10**9
MOST_BYTES = 200 * GB
SPARE_BYTES = GB
MOST_RATIO = 1000
ODD = re.compile(r"//|(^|/)\.(/|$)|/$")


class RefusedError(KitError):
    """An archive that will not be unpacked, with the reason in one sentence."""


class DamagedError(Exception):
    """An archive whose bytes are not what they should be, in a few words."""


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive, as its header declares it.

    Attributes:
        name: path inside the archive, with slashes.
        size: unpacked bytes.
        folder: a folder, not a file.
        special: a link, a device or a pipe.
        encrypted: readable with a password only.
        crc: CRC-32 of the content; None where it is not told.
    """

    name: str
    size: int
    folder: bool = False
    special: bool = False
    encrypted: bool = False
    crc: int | None = None


def place_of(name: str) -> str:
    """Where a member's file goes, below the folder: its name without `./` and doubled slashes."""
    return str(PurePosixPath(name)) if ODD.search(name) else name


def is_safe(member: Member) -> bool:
    """Does the member stay in the folder that it would be unpacked to?"""
    return not _leaves(member)


def judge(
    archive: Path, members: Sequence[Member], into: Path, *, used: int = 0, waiting: int = 0
) -> None:
    """Refuse an archive that could harm: by its names, its kinds of entries or its sizes.

    Args:
        archive: the file, for its name and its size.
        members: what its header declares.
        into: the existing folder to unpack in; its disk is the one that must have room.
        used: bytes already judged of the same download.
        waiting: how many of them are not written yet.

    Raises:
        RefusedError: one sentence with the first offenders.
    """
    offences = (
        ("is encrypted", "download it without a password", [m for m in members if m.encrypted]),
        ("holds links or special files", "do not use it", [m for m in members if m.special]),
        ("holds names outside its folder", "do not use it", [m for m in members if _leaves(m)]),
        (f"holds a folder {PACKS}", "rename it", [m for m in members if _is_ours(m)]),
        ("holds names twice", "pack it again", _repeated(members)),
    )
    for what, remedy, offenders in offences:
        if offenders:
            names = first_of([repr(member.name) for member in offenders])
            raise RefusedError(f"{archive} {what} and was not unpacked ({names}): {remedy}")
    _judge_sizes(archive, sum(member.size for member in members), into, used=used, waiting=waiting)


def _judge_sizes(archive: Path, size: int, into: Path, *, used: int, waiting: int) -> None:
    packed = size_of(archive)
    free = shutil.disk_usage(into).free - SPARE_BYTES - waiting
    if used + size > MOST_BYTES:
        reason = f"more than {MOST_BYTES / GB:.0f} GB in all: do not use it"
    elif size > GB and size > MOST_RATIO * packed:
        reason = f"more than {MOST_RATIO} times its {packed:,} bytes: do not use it"
    elif size > free:
        reason = (
            f"and {into.parent} has {max(free, 0) / GB:.1f} GB left beside the "
            f"{SPARE_BYTES / GB:.0f} GB kept free: free some space, or name a cache on another disk"
        )
    else:
        return
    raise RefusedError(f"{archive} would unpack to {size / GB:,.1f} GB, {reason}")


def _leaves(member: Member) -> bool:
    name = member.name
    return (
        not name.strip("/.")
        or name.startswith("/")
        or ".." in name.split("/")
        or "\\" in name
        or "\0" in name
        or re.match(r"[A-Za-z]:", name) is not None
    )


def _is_ours(member: Member) -> bool:
    return PACKS in member.name and PACKS in member.name.split("/")


def _repeated(members: Sequence[Member]) -> list[Member]:
    seen: set[str] = set()
    repeated = []
    for member in members:
        if not member.folder:
            place = place_of(member.name)
            if place in seen:
                repeated.append(member)
            seen.add(place)
    return repeated
