"""Read 7z archives by the program 7z, for machines without py7zr, such as Kaggle's.

The program only lists and decompresses: with `-so` it writes the contents of all files, in the
order of its list, to a pipe, and the kit writes the files. So it cannot write outside the folder.
"""

import shutil
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from common.data.archives.members import (
    CHUNK,
    Contents,
    DamagedError,
    Listing,
    Member,
    RefusedError,
    split_stream,
)

PROGRAMS = ("7z", "7zz", "7za")


def program() -> str | None:
    """The program's path, or None where there is none."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


def listing(archive: Path) -> Listing:
    """List the entries of a 7z archive; reading the contents checks the CRCs."""
    done = subprocess.run(
        [str(program()), "l", "-slt", "-ba", "-sccUTF-8", "--", str(archive)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    text = done.stdout.decode("utf-8")
    if done.returncode:
        output = (done.stderr.decode("utf-8", "replace") + text).strip()
        if "encrypted archive" in output or "Enter password" in output:
            raise RefusedError(
                f"{archive} is encrypted and was not unpacked: download it without a password"
            )
        raise DamagedError(output.splitlines()[-1] if output else "7z could not list it")
    blocks = text.replace("\r", "").split("\n\n")
    members = [_member(block) for block in blocks if block.strip()]
    return Listing(members, partial(_contents, archive, members))


def _member(block: str) -> Member:
    lines = [line.partition(" = ") for line in block.strip("\n").split("\n")]
    facts = {key: value if key == "Path" else value.strip() for key, _, value in lines}
    attributes = facts.get("Attributes", "").split()
    # Windows attributes first (D: folder, L or ...: reparse point), then what `ls -l` would show.
    folder = "D" in attributes[0] if attributes else False
    unix = attributes[-1] if attributes and len(attributes[-1]) == 10 else ""
    return Member(
        name=facts["Path"],
        size=int(facts["Size"] or 0),
        folder=folder or unix.startswith("d"),
        special=unix[:1] not in ("", "-", "d") or bool(facts.get("Symbolic Link")),
        encrypted=facts.get("Encrypted") == "+",
        crc=int(facts["CRC"], 16) if facts.get("CRC") else None,
    )


def _contents(archive: Path, members: Sequence[Member]) -> Contents:
    command = [str(program()), "x", "-so", "-bd", "--", str(archive)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as running:
        assert running.stdout is not None
        try:
            yield from split_stream(members, iter(partial(running.stdout.read, CHUNK), b""))
        except BaseException:
            running.kill()
            raise
    if running.returncode:
        raise DamagedError(f"7z ended with code {running.returncode}")
