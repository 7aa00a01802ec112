"""Export a finished run's network as a timm model folder, for another competition to start from.

It exports the network refitted on all rows if the run has one (final=refit), else the one of fold 0
or of --fold.

Example: kit cifar10 export --to models/cifar && kit other run backbone=local-dir:models/cifar weights=pretrained
"""

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from common.errors import KitError
from common.models.export import FILES, write_model_folder
from common.progress import say
from common.runs import Run
from common.storage import replacing
from common.training.checkpoint import is_finished
from common.workflow import options as shared
from common.workflow.find_run import find_run
from common.workflow.options import flag
from common.workflow.prepare import check_trained
from common.workflow.request import Request
from common.workflow.run_results import target_of

SHARED = (shared.field_flags, shared.run)


@dataclass(frozen=True)
class Options:
    """The options of `export`."""

    to: Path | None = flag("the folder to write; default: exported in the run")
    fold: int | None = flag("the fold's network; default: the refitted network, else fold 0")


def run(request: Request, options: Options) -> dict[str, Any]:
    """Write the model folder; the JSON names run, model and folder."""
    found = find_run(request)
    check_trained(found)
    job = _job(found, options.fold)
    folder = options.to or found / "exported"
    _check_place(folder)
    with replacing(folder) as temporary:
        target = target_of(found)
        weights = found / job / "weights.safetensors"
        write_model_folder(temporary, found.recipe(), weights, target.outputs)
    say(f"{folder}: {job} of {found.folder}, {target.listed()}")
    start = [f"backbone=local-dir:{folder}", "weights=pretrained"]
    say(f"any competition's recipe starts from it by {shlex.join(start)}")
    again = replace(request, words=(), named_recipe=False, run=None)
    say(f"next: {again.command('run', *start)}")
    return {"run": str(found.folder), "model": job, "folder": str(folder)}


def _job(run: Run, fold: int | None) -> str:
    """The run and --fold to the name of the model to export."""
    if fold is None and is_finished(run / "refit"):
        return "refit"
    job = f"fold{fold or 0}"
    if not is_finished(run / job):
        there = sorted(path.parent.name for path in run.folder.glob("*/weights.safetensors"))
        raise KitError(
            f"{run.folder} has no finished {job}: "
            + (f"there are {', '.join(there)}" if there else "`validate` trains it")
        )
    return job


def _check_place(folder: Path) -> None:
    """Raise a KitError if the folder holds anything but an earlier export."""
    if folder.is_file() or (folder.is_dir() and {p.name for p in folder.iterdir()} - {*FILES}):
        raise KitError(f"--to {folder} holds other files: name a new folder")
