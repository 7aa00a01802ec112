"""A trained job as one file: weights, log and predictions in a zip with a digest of each.

It is what travels between machines. Nothing in it is pickled.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import KitError
from common.metrics import Probs
from common.storage import replacing

FORMAT = 1
FACTS = "job.json"
WEIGHTS, LOG = "weights.safetensors", "log.jsonl"
HELD_OUT, TEST = "held_out.npz", "test.npz"  # probs by view group
MEMBERS = (WEIGHTS, LOG, HELD_OUT, TEST)
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # equal contents are equal files


def write_job_file(path: Path, folder: Path, facts: dict[str, Any]) -> None:
    """Write a job's folder and what is to be known of it (JSON values) as one file, atomically."""
    found = [name for name in MEMBERS if (folder / name).is_file()]
    digests = {name: _digest((folder / name).read_bytes()) for name in found}
    text = json.dumps({"format": FORMAT, **facts, "digests": digests}, indent=1)
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr(zipfile.ZipInfo(FACTS, LONG_AGO), text)
        for name in found:
            archive.writestr(zipfile.ZipInfo(name, LONG_AGO), (folder / name).read_bytes())


def read_facts(file: Path | io.BytesIO, named: str = "") -> dict[str, Any]:
    """The facts of a job file, all of whose contents are there and unchanged.

    Raises:
        KitError: it is no such file, truncated, damaged, or of a later version of the kit.
    """
    return _read(file, named or str(file))[0]


def unpack(
    file: Path | io.BytesIO, folder: Path, *, probs: Mapping[str, Path], named: str = ""
) -> dict[str, Any]:
    """Write a job file's weights and log into a folder, which replaces an earlier one; its facts.

    Args:
        probs: where its probs go, by `HELD_OUT` and `TEST`; others are left out.

    Raises:
        KitError: as `read_facts`.
    """
    facts, contents = _read(file, named or str(file))
    for name in probs.keys() & contents.keys():
        with replacing(probs[name]) as temporary:
            temporary.write_bytes(contents[name])
    with replacing(folder) as temporary:
        temporary.mkdir()
        for name in (LOG, WEIGHTS):
            if name in contents:
                (temporary / name).write_bytes(contents[name])
    return facts


def save_groups(path: Path, groups: dict[str, Probs]) -> None:
    """Write a model's probs by view group to an npz file, atomically."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **groups)  # type: ignore[arg-type]


def _check_begins_otherwise(file: Path | io.BytesIO) -> None:
    """Raise a BadZipFile where a job file was cut: what zipfile has opened is an npz file within it."""
    head = file.read_bytes()[:99] if isinstance(file, Path) else file.getvalue()[:99]
    if FACTS.encode() in head:
        raise zipfile.BadZipFile("its end is missing")


def _read(file: Path | io.BytesIO, named: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    if isinstance(file, Path) and not file.is_file():
        raise KitError(f"{named} is not there: name the files that `job` wrote")
    try:
        with zipfile.ZipFile(file) as archive:
            if FACTS not in archive.namelist():
                _check_begins_otherwise(file)
                raise KitError(f"{named} is no file that `job` wrote: it holds no {FACTS}")
            facts: dict[str, Any] = json.loads(archive.read(FACTS))
            if facts["format"] != FORMAT:
                raise KitError(
                    f"{named} was written by another version of the kit (format {facts['format']}, "
                    f"here {FORMAT}): use that version, or train the job again"
                )
            contents = {name: archive.read(name) for name in facts["digests"] if name in MEMBERS}
    except (zipfile.BadZipFile, EOFError, OSError, KeyError, json.JSONDecodeError) as error:
        raise KitError(
            f"{named} is truncated or damaged ({error}): bring it over again from where it was made"
        ) from error
    for name, content in contents.items():
        if _digest(content) != facts["digests"][name]:
            raise KitError(
                f"{named} is damaged ({name} is not what was written): bring it over again from where "
                "it was made"
            )
    return facts, contents


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
