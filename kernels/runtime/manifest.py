"""What a kernel leaves as its output: a run folder, its submission, a list of it all with digests."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from common.errors import KitError

MANIFEST = "kit-output.json"
FORMAT = 1


def write_manifest(working: Path, run: str, *, finished: bool) -> None:
    """List every file of the output with its bytes and SHA-256; written last, and whole.

    Args:
        working: the folder that becomes the output.
        run: the run's folder name in `runs`.
        finished: has it its submission, or is it to be resumed?
    """
    files = {
        path.relative_to(working).as_posix(): _facts(path)
        for path in sorted(working.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    text = json.dumps(
        {"format": FORMAT, "run": run, "finished": finished, "files": files}, indent=1
    )
    temporary = working / f".{MANIFEST}.tmp"
    temporary.write_text(text + "\n", encoding="utf-8")
    temporary.replace(working / MANIFEST)


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The list that a kernel left, None where it was killed before it could.

    Raises:
        KitError: a file is missing or differs from the list, or the list is of another format.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    if found.get("format") != FORMAT:
        raise KitError(f"{path} is of another version of the kit: fetch it with that one")
    for name, facts in found["files"].items():
        if not (folder / name).is_file() or _facts(folder / name) != facts:
            raise KitError(
                f"{name} of the kernel's output did not arrive as it was written there: delete "
                f"{folder} and fetch it again"
            )
    return dict(found)


def _facts(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"bytes": os.fstat(file.fileno()).st_size, "sha256": digest}
