"""Upload what a kernel lacks as a private dataset of the account, unless it is there."""

from collections.abc import Mapping
from pathlib import Path

from common.kaggle.client import datasets
from common.kaggle.client.retry import Environment
from common.progress import counted, say
from common.workflow.request import Request
from kernels.build.spec import KERNELS


def uploaded(
    request: Request,
    named: tuple[str, str],
    files: Mapping[str, Path],
    notes: str,
    environment: Environment,
) -> tuple[str, bool]:
    """The dataset "owner/slug" that holds exactly these files, and whether they had to be sent.

    Args:
        named: the dataset's slug and title.
        files: by the names there, which carry digests of their content.
    """
    slug, title = named
    sizes = {name: path.stat().st_size for name, path in files.items()}
    there = datasets.settled(slug, environment=environment)
    name, sent = f"{there.owner}/{slug}", there.files != sizes
    if sent:
        pending = request.runs / KERNELS / slug / "publishing.json"
        name = datasets.publish(slug, title, files, notes, pending=pending, environment=environment)
    total = f"{counted(len(files), 'file')} of {sum(sizes.values()):,} bytes"
    say(f"{name}: {total}, {'ready' if sent else 'there already: nothing was uploaded'}")
    return name, sent
