"""Refuse an archive that could harm, by its list of members, before a byte is written."""

import re
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from common.data.archives.members import Member, RefusedError, normalised
from common.data.archives.parts import size_of
from common.progress import first_of

PACKS = ".packs"  # the subfolder with a folder's image packs (`common.data.archives.pack`)
GB = 10**9
MAX_BYTES = 200 * GB
RESERVED_BYTES = GB
MAX_RATIO = 1000


def check_members(
    archive: Path, members: Sequence[Member], into: Path, *, total: int = 0, pending: int = 0
) -> None:
    """Raise an error for an archive whose names, types of entries or sizes could do harm.

    Args:
        archive: the file, for its name and its packed size.
        members: what its header declares.
        into: the existing folder to unpack in; its disk is the one that must have room.
        total: bytes of the archives checked before in the same call.
        pending: how many of those bytes are not on the disk yet.

    Raises:
        RefusedError: names the archive, the reason and the first members concerned.
    """
    outside = [m for m in members if is_outside(m.name)]
    ours = [m for m in members if PACKS in m.name.split("/")]
    offences = (
        ("is encrypted", "download it without a password", [m for m in members if m.encrypted]),
        ("holds links or special files", "do not use it", [m for m in members if m.special]),
        ("holds names outside its folder", "do not use it", outside),
        (f"holds a folder {PACKS}", "rename it", ours),
        ("holds names twice", "pack it again", _repeated(members)),
    )
    for what, remedy, offenders in offences:
        if offenders:
            names = first_of([repr(member.name) for member in offenders])
            raise RefusedError(f"{archive} {what} and was not unpacked ({names}): {remedy}")
    _check_size(archive, sum(member.size for member in members), into, total, pending)


def _check_size(archive: Path, size: int, into: Path, total: int, pending: int) -> None:
    packed = size_of(archive)
    free = shutil.disk_usage(into).free - RESERVED_BYTES - pending
    if total + size > MAX_BYTES:
        reason = f"more than {MAX_BYTES / GB:.0f} GB in all: do not use it"
    elif size > GB and size > MAX_RATIO * packed:
        reason = f"more than {MAX_RATIO} times its {packed:,} bytes: do not use it"
    elif size > free:
        reason = (
            f"and {into.parent} has {max(free, 0) / GB:.1f} GB left beside the "
            f"{RESERVED_BYTES / GB:.0f} GB kept free: free some space, or name a cache on another disk"
        )
    else:
        return
    raise RefusedError(f"{archive} would unpack to {size / GB:,.1f} GB, {reason}")


def is_outside(name: str) -> bool:
    """Does a member's path lead out of the folder that it is unpacked to, or name none?"""
    return (
        not name.strip("/.")
        or name.startswith("/")
        or ".." in name.split("/")
        or "\\" in name
        or "\0" in name
        or re.match(r"[A-Za-z]:", name) is not None
    )


def _repeated(members: Sequence[Member]) -> list[Member]:
    files = [(normalised(member.name), member) for member in members if not member.folder]
    counts = Counter(path for path, _ in files)
    return [member for path, member in files if counts[path] > 1]
