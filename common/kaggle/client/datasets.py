"""A private dataset of the account: what it holds, and a version of it made of local files."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.kaggle.client.child_process import ask
from common.kaggle.client.errors import SITE, KaggleError
from common.kaggle.client.retry import Environment, call, explain_failure
from common.kaggle.client.send_once import UnsureError, send_at_most_once
from common.kaggle.client.waiting import listed_s, polling, rest, silence_s
from common.progress import first_of, say
from common.storage import read_json, write_json

KIND = "dataset"
NOT_THERE = ("", "DELETED")  # of a dataset's states
DONE = (*NOT_THERE, "READY", "FAILED")  # of a dataset's states; in the others it is prepared
SLOWEST_UPLOAD = 20_000  # bytes/s that a file is given time for
FIRST_POLL_S, LONGEST_POLL_S = 0.5, 15.0
PREPARED_S = 3600.0  # in which Kaggle is to have a dataset ready
LONGEST_BEFORE_S = 120.0  # for which the list may still be that of the version before


@dataclass(frozen=True)
class Dataset:
    """A dataset as Kaggle tells of it.

    Attributes:
        status: "" when there is none, else the site's word: READY, FAILED, BLOBS_RECEIVED …
        files: name to bytes; empty unless it is ready. None: it is, and the site tells no list.
    """

    owner: str
    status: str
    files: dict[str, int] | None


def settled(slug: str, *, environment: Environment = None) -> Dataset:
    """The account's dataset of this slug, once it is not being prepared any more.

    Raises:
        KaggleError: that takes longer than an hour.
    """
    with polling(FIRST_POLL_S, LONGEST_POLL_S, PREPARED_S) as looks:
        for look in looks:
            found = _asked(slug, environment)
            if found.status in DONE:
                return found
            if look.last:
                raise KaggleError(
                    f"the dataset {found.owner}/{slug} is not ready after {look.waited:.0f} s; the same "
                    f"command waits on, or look at {_address(found.owner, slug)}"
                )
            look.show(f"the dataset {slug} is being prepared: {found.status} ({look.waited:.0f} s)")
    raise AssertionError  # the looks have no end


def publish(
    slug: str,
    title: str,
    files: Mapping[str, Path],
    notes: str,
    *,
    pending: Path,
    environment: Environment = None,
) -> str:
    """Make the private dataset `slug` hold these files, by their names, and return "owner/slug".

    It is made, or a version of it; Kaggle's preparing of it is waited for, and its list compared.

    Args:
        files: flat names; the site would unpack archives and drop folders.
        notes: what is new in this version.
        pending: a file that notes what is about to be made: a call that was cut off is gone on
            with, and makes no second version of what has arrived.

    Raises:
        UnsureError: it cannot be known yet whether it was made.
        KaggleError: it does not hold these files now; an upload that failed changes nothing.
    """
    before = _sought(slug, files, pending, environment)
    wanted = {name: path.stat().st_size for name, path in files.items()}
    if before.files == wanted:
        pending.unlink(missing_ok=True)
        return f"{before.owner}/{slug}"
    tokens = [_uploaded(slug, name, path, environment) for name, path in files.items()]
    operation = "dataset_create" if before.status in NOT_THERE else "dataset_version"
    request = {
        "operation": operation,
        "slug": slug,
        "title": title,
        "notes": notes,
        "tokens": tokens,
    }
    write_json(pending, {"files": wanted, "sent": time.time()})
    try:
        _made(request, wanted, environment)
    except UnsureError:
        raise
    except KaggleError:  # surely not made: the next call has nothing to look for
        pending.unlink()
        raise
    name = _arrived(slug, wanted, before.files, environment)
    pending.unlink()
    return name


def _sought(
    slug: str, files: Mapping[str, Path], pending: Path, environment: Environment
) -> Dataset:
    """The dataset as it is by now; what a call before this one sent of it is waited for."""
    note: dict[str, Any] = read_json(pending) if pending.is_file() else {"files": {}, "sent": 0.0}
    wanted = {name: path.stat().st_size for name, path in files.items()}
    while True:
        found = settled(slug, environment=environment)
        left = note["sent"] + max(2 * silence_s(), listed_s()) - time.time()
        if found.files in (wanted, None) or note["files"] != wanted or left <= 0:
            return found
        said = f"the dataset {slug} was sent by a call that was cut off; it is not listed yet"
        rest(said, min(left, 5), "looking again")


def _asked(slug: str, environment: Environment) -> Dataset:
    request = {"operation": "dataset", "slug": slug}
    return Dataset(**call(request, "asking about the dataset", environment, what=KIND))


def _uploaded(slug: str, name: str, path: Path, environment: Environment) -> str:
    """Upload one file; the token stands for it."""
    size, terminal = path.stat().st_size, sys.stderr.isatty()
    say(f"uploading {name} ({size:,} bytes)")
    request = {
        "operation": "blob",
        "slug": slug,
        "name": name,
        "file": str(path.resolve()),
        "bar": terminal,
    }
    doing = f"uploading {name} to the dataset"
    patience_s = silence_s() + size / SLOWEST_UPLOAD
    return str(
        call(request, doing, environment, patience_s=patience_s, show=terminal, what=KIND)["token"]
    )


def _made(request: Mapping[str, Any], wanted: dict[str, int], environment: Environment) -> None:
    """Ask for the dataset or its version, once.

    Raises:
        KaggleError: it was refused, or it cannot be known yet whether it was made.
    """
    slug, doing = request["slug"], "publishing the dataset"

    def find() -> dict[str, Any] | None:
        found = _asked(slug, environment)
        if found.status == "READY" and found.files is None:
            raise KaggleError("the list of its files cannot be had")
        if found.status in DONE and found.files != wanted:
            return None
        say(f"it was made: {found.owner}/{slug}")
        return {"made": True, "error": ""}

    answer = send_at_most_once(
        f"{doing} {slug}",
        lambda: dict(ask(request, environment=environment, patience_s=silence_s())),
        find,
        refused=lambda failure: explain_failure(failure, slug, doing, environment, what=KIND),
        arrived="was made",
        place="the account's datasets",
        advice="the same command looks once more first",
        certain=False,
    )
    if not answer["made"]:
        reason = (answer["error"] or "no reason was given").rstrip(".")
        raise KaggleError(f"{doing} {slug}: Kaggle refused ({reason})")


def _arrived(
    slug: str, wanted: dict[str, int], before: dict[str, int] | None, environment: Environment
) -> str:
    """Wait for the new version and compare its list: "owner/slug" when every file is there.

    Raises:
        KaggleError: it failed, or lacks a file.
    """
    with polling(FIRST_POLL_S, LONGEST_POLL_S, LONGEST_BEFORE_S) as looks:
        for look in looks:
            found = settled(slug, environment=environment)
            # The new one may not be known yet where it was not made a moment ago.
            older = found.status in ("", "READY") and found.files == before != wanted
            if not older or found.files is None or look.last:
                break
            look.show(f"the dataset {slug} does not show its new files yet ({look.waited:.0f} s)")
    name = f"{found.owner}/{slug}"
    if not found.status:
        raise KaggleError(
            f"Kaggle has made the dataset {name} and does not show it yet: look at "
            f"{_address(found.owner, slug)} before the same command sends the files again"
        )
    if found.status != "READY":
        raise KaggleError(
            f"Kaggle could not prepare the dataset {name} ({found.status}): "
            f"the same command sends the files again; {_address(found.owner, slug)} may say why"
        )
    if found.files is None:
        say(f"{name} is ready, but the list of its files cannot be had: they are taken as sent")
        return name
    if wrong := [each for each, size in wanted.items() if found.files.get(each) != size]:
        raise KaggleError(
            f"the dataset {name} was made without {first_of(wrong)}, or with another size of it: "
            "the same command sends the files again"
        )
    return name


def _address(owner: str, slug: str) -> str:
    return f"{SITE}/datasets/{owner}/{slug}"
