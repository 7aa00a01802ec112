"""Make the recipe a Kaggle kernel, prove it here, push it, follow it, and bring its run back.

The script that is pushed is first run here, sealed as Kaggle's machine is, on a sample of the
images; its submission has to be that of the same run outside. --dry-run stops there, with the
whole data unless --sample says how many images. What comes back is a run like any other: `submit`,
`blend` and `predict` work on it. Called again, it goes on where it was.

Example: kit cifar10 kernel --recipe speed --time-limit 3600
"""

import shlex
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.kaggle.calls import Environment
from common.progress import say
from common.runs import Run, all_runs
from common.workflow import flags as shared
from common.workflow.find import named_run
from common.workflow.hosting import kaggle_of
from common.workflow.record import result_of, scores_of
from common.workflow.request import Request
from kernels.made import HOST, KERNELS, Made, made
from kernels.proof import proven, prove
from kernels.push import brought_back, pushed
from kernels.sandbox import run_sealed

SAMPLE = 500  # images of the proof before a push


def flags(parser: ArgumentParser) -> None:
    """The words it takes."""
    shared.fields(parser)
    shared.continues(parser)
    add = parser.add_argument
    add("--dry-run", action="store_true", help="make it and run it here, sealed; push nothing")
    add("--no-proof", action="store_true", help="push without a dry run on a sample")
    add("--sample", type=int, help=f"labelled images of a dry run; default: all, {SAMPLE} of a push")
    add("--layout", choices=("new", "old"), help="of /kaggle/input in a dry run; default: new")
    add("--time-limit", type=int, metavar="S", help="seconds that it may run; it stops in order before")
    add("--memory", type=int, metavar="MB", default=30_000, help="of a dry run (default: 30000)")
    add("--machine", help="accelerator; default: NvidiaTeslaT4 (two of them), none with device=cpu")
    add("--internet", action="store_true", help="with the internet on; default: off")
    add("--docker-pin", choices=("original", "latest"), help="of Kaggle's image; default: original")
    add("--docker-image", help="an image of Kaggle's by its name")
    add("--continue", dest="goes_on", nargs="?", const=True, metavar="RUN", help="go on with a run out of time")
    add("--again", action="store_true", help="push a script that was pushed before")
    add("--no-wait", action="store_true", help="do not wait for its end; the same command does")


def run(request: Request) -> dict[str, Any]:
    """Do it, and return what the JSON line holds."""
    request.slug  # noqa: B018  what is on no site has no kernels
    before = _gone_on_with(request)
    if before is not None and not request.words:
        request = replace(request, words=tuple(before.read()["kernel"]["words"]))
    kernel = _made(request, before)
    size = kernel.script.stat().st_size
    say(f"{kernel.script}: {size:,} bytes, {request.competition.title}")
    result: dict[str, Any] = {"script": str(kernel.script), "bytes": size}
    dry = bool(request.options.get("dry_run"))
    if dry or not (request.options.get("no_proof") or proven(kernel)):
        sample = request.options.get("sample") or (None if dry else SAMPLE)
        options = {**request.options, "sample": sample}
        tried = replace(request, options=options)
        result["proof"] = prove(tried, kernel, run_sealed, _session(request, before)).facts
    if dry:
        say(f"next: {request.command(shlex.join(['kernel', *request.words]))}")
        return result
    place = request.runs / KERNELS / HOST
    with kaggle_of(request, request.data_folder, place=place, run_kernel=run_sealed) as environment:
        result |= _brought_back(request, kernel, environment)
    return result


def _gone_on_with(request: Request) -> Run | None:
    """The unfinished run of a kernel that this one goes on with; None: it begins anew.

    Raises:
        ValueError: there is none, or it is finished.
    """
    named = request.options.get("goes_on")
    if not named:
        return None
    runs = all_runs(request.runs, request.competition.name)
    fetched = [run for run in runs if run.read()["kind"] == "fetched"]
    if named is not True:
        fetched = [named_run(request, Path(named))]
    if not fetched or not fetched[0].read().get("kernel"):
        raise ValueError(
            f"--continue goes on with a run that a kernel left, and {named if named is not True else request.runs} "
            f"holds none: `kit {request.competition.name} kernel` makes one"
        )
    if fetched[0].read()["kernel"]["finished"]:
        raise ValueError(f"{fetched[0].folder} is finished: there is nothing to go on with")
    return fetched[0]


def _made(request: Request, before: Run | None) -> Made:
    """The kernel on disk; one that goes on with another's run has that one attached."""
    if before is None:
        return made(request, datasets=(), sources=(), part=1)
    origin = before.read()["kernel"]
    sources = (f"{origin['owner']}/{origin['slug']}",)
    return made(request, datasets=(), sources=sources, part=origin["part"] + 1)


def _session(request: Request, before: Run | None) -> dict[str, Any]:
    """What a dry run has beside the competition's data: limits, and what is attached."""
    return {"memory_mb": request.options["memory"]}


def _brought_back(request: Request, kernel: Made, environment: Environment) -> dict[str, Any]:
    """Push, and unless nobody is to wait, follow and fetch."""
    options = request.options
    there = pushed(kernel, again=bool(options.get("again")), environment=environment)
    result = {"kernel": f"{there.owner}/{there.slug}", "version": there.version, "url": there.url}
    if options.get("no_wait"):
        say("it runs there; the same command without --no-wait waits for its end and fetches its run")
        return result
    run = brought_back(request, kernel, there, environment=environment)
    return result | result_of(run, scores_of(run))
