"""7z archives, by the program 7z, for machines without py7zr.

The program only lists and decompresses: with `-so` it writes the contents of all files, in the
order of its list, to a pipe, and we write the files. So it cannot write where it should not.
"""

import shutil
import subprocess
from functools import partial
from pathlib import Path

from common.data.archives.safety import DamagedError, Member, RefusedError
from common.data.archives.writer import Listing, Steps, Writing

CHUNK = 1 << 20
PROGRAMS = ("7z", "7zz", "7za")


def program() -> str | None:
    """The program's path, or None where there is none."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


def listing(archive: Path) -> Listing:
    """List the entries of a 7z archive; as they are extracted, the list's CRCs are checked."""
    done = subprocess.run(
        [str(program()), "l", "-slt", "-ba", "-sccUTF-8", "--", str(archive)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    text = done.stdout.decode("utf-8")
    if done.returncode:
        words = (done.stderr.decode("utf-8", "replace") + text).strip()
        if "encrypted archive" in words or "Enter password" in words:
            raise RefusedError(
                f"{archive} is encrypted and was not unpacked: download it without a password"
            )
        raise DamagedError(words.splitlines()[-1] if words else "7z could not list it")
    blocks = text.replace("\r", "").split("\n\n")
    members = [_member(block) for block in blocks if block.strip()]
    return Listing(members, partial(_extract, archive))


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


def _extract(archive: Path, writing: Writing) -> Steps:
    files = writing.files()
    if all(writing.is_whole(file.name) for file in files):
        return
    command = [str(program()), "x", "-so", "-bd", "--", str(archive)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as running:
        assert running.stdout is not None
        try:
            yield from writing.pour(files, iter(partial(running.stdout.read, CHUNK), b""))
        except BaseException:
            running.kill()
            raise
    if running.returncode:
        raise DamagedError(f"7z ended with code {running.returncode}")
