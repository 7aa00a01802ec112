"""Fetch a competition's files: from Kaggle, or written out where the data set is embedded.

Cut off, it goes on where it was. The archive has its name only once all its checksums are right.

Example: kit cifar10 download
"""

from pathlib import Path
from typing import Any

from common.atomic import replacing
from common.data.once import alone
from common.kaggle import client
from common.progress import say
from common.workflow.request import Request


def run(request: Request) -> dict[str, Any]:
    """Do it, and return what the JSON line holds."""
    result = fetch(request) if request.on_site else lay_out(request)
    say(f"next: kit {request.competition.name} run")
    return result


def fetch(request: Request) -> dict[str, Any]:
    """Fetch the archive whole into the data folder, unless it is there."""
    folder, slug = request.data_folder, request.slug
    archive = client.download(slug, folder)
    return {"data": str(folder), "archive": str(archive)}


def lay_out(request: Request) -> dict[str, Any]:
    """Write an embedded data set into the data folder, unless it is there."""
    folder = request.data_folder
    with alone(folder):
        if holds_files(folder):
            say(f"{folder}: there already; delete it to have it written anew")
        else:
            lay_out_embedded(request)
    return {"data": str(folder)}


def fetch_if_absent(request: Request) -> None:
    """Fetch into the default place when nothing is there; a folder that was named must exist.

    A download that was cut off leaves hidden files only, and is fetched again.
    """
    if request.data is None and not holds_files(request.data_folder):
        (lay_out if request.competition.embedded else fetch)(request)


def holds_files(folder: Path) -> bool:
    """Is there anything in the folder but hidden files?"""
    return folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir())


def lay_out_embedded(request: Request) -> None:
    """Write an embedded data set in the competition's own layout, whole."""
    competition = request.competition
    assert competition.embedded is not None
    found = competition.embedded()
    table = found.table.assign(label=found.table["label"].mask(found.table["hidden"]))
    with replacing(request.data_folder) as temporary:
        temporary.mkdir()
        competition.lay_out(table[["id", "label"]], found.images, temporary)
    hidden = int(found.table["hidden"].sum())
    say(
        f"{request.data_folder}: {len(table) - hidden:,} labelled and {hidden:,} hidden images of "
        f"{competition.title}, as the competition lays them out"
    )
