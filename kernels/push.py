"""A kernel pushed once, followed to its end, and its run brought back as an ordinary run folder."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.atomic import read_json, replacing, write_json
from common.kaggle import kernels
from common.kaggle.calls import Environment
from common.progress import say
from common.runs import Run
from common.workflow.request import Request
from kernels.made import Made
from kernels.output import read_manifest

PUSHED = "pushed.json"


def pushed(made: Made, *, again: bool, environment: Environment) -> kernels.Pushed:
    """Push the kernel, unless this very script was pushed before; noted as soon as it is known.

    Raises:
        KaggleError: it was refused, or runs without what it needs.
    """
    before = known(made.folder)
    if before and before["script"] == made.digest and not again:
        there = kernels.Pushed(**before["kernel"])
        say(f"{made.script} was pushed before, as version {there.version} of {there.url}")
        return there
    there = kernels.push(made.kernel, environment=environment)
    write_json(made.folder / PUSHED, {
        "script": made.digest, "kernel": vars(there), "words": list(made.words),
    })  # fmt: skip
    say(f"pushed: version {there.version} of {there.url}")
    return there


def output_of(folder: Path, version: int) -> Path:
    """Where a version's output is kept, in a kernel's folder."""
    return folder / f"version-{version}"


def known(folder: Path) -> dict[str, Any]:
    """What `pushed` noted in a kernel's folder; empty before."""
    path = folder / PUSHED
    return dict(read_json(path)) if path.is_file() else {}


def brought_back(
    request: Request, made: Made, there: kernels.Pushed, *, environment: Environment
) -> Run:
    """Wait for the kernel's end, fetch its output, and make a run folder of it.

    Raises:
        KernelError: it failed, with the last lines of its log; a run that it could begin is
            brought back all the same, and the sentence says how to go on with it.
    """
    failure: kernels.KernelError | None = None
    try:
        kernels.follow(there, environment=environment)
    except kernels.KernelError as error:
        failure = error
    command = f"kit {request.competition.name} kernel"
    output = output_of(made.folder, there.version)
    try:
        kernels.fetch_output(there, output, environment=environment)
        run = adopted(request, output, there, part=_part(made), words=made.words)
    except ValueError as error:
        if failure is None:
            raise
        raise ValueError(f"{failure}\n`{command} --again` pushes it once more") from error
    if failure is not None:
        raise ValueError(
            f"{failure}\nwhat it had made by then is in {run.folder}: `{command} --continue "
            f"{run.folder}` goes on with it, `{command} --again` begins anew"
        )
    return run


def adopted(
    request: Request, output: Path, there: kernels.Pushed, *, part: int, words: Sequence[str]
) -> Run:
    """The run that a kernel left in its output, as one of the request's runs.

    Its name says that it comes from a kernel, so that a run of the same recipe here stays as it is.

    Args:
        part, words: the kernel's, for another to go on with it.

    Raises:
        ValueError: the output holds no run, or not the one that it lists.
    """
    manifest = read_manifest(output)
    found = sorted(output.glob("runs/*/run.json"))
    if not found:
        raise ValueError(
            f"version {there.version} of {there.url} left no run in its output: its log says why"
        )
    source = output / "runs" / manifest["run"] if manifest else found[-1].parent
    name, _, key = source.name.rpartition("-")
    target = request.runs / f"{name}-kernel-{key}"
    origin = vars(there) | {
        "part": part, "words": list(words), "finished": bool(manifest and manifest["finished"]),
    }  # fmt: skip
    if Run(target).read().get("kernel") != origin:
        with replacing(target) as temporary:
            shutil.copytree(source, temporary)
            Run(temporary).note(kind="fetched", kernel=origin)
    (target / ".used").touch()
    say(f"{target}: the run of version {there.version}, every file as it was written there"
        if manifest else f"{target}: what version {there.version} had written when it was stopped")  # fmt: skip
    return Run(target)


def _part(made: Made) -> int:
    match = re.search(r" part (\d+)$", made.kernel.title)
    return int(match[1]) if match else 1
