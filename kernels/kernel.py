"""Make the recipe a Kaggle kernel, prove it here, push it, follow it, and bring its run back.

The script that is pushed is first run here, sealed as Kaggle's machine is, on a sample of the
images; its submission has to be that of the same run outside. --dry-run stops there, with the
whole data unless --sample says how many images. What comes back is a run like any other: `submit`,
`blend` and `predict` work on it. Called again, it goes on where it was.

Example: kit cifar10 kernel --recipe speed --time-limit 3600
"""

import shlex
import shutil
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.atomic import replacing
from common.kaggle import datasets
from common.kaggle.calls import Environment
from common.kaggle.kernels import Kernel
from common.progress import say
from common.runs import Run, all_runs
from common.workflow import flags as shared
from common.workflow.find import named_run
from common.workflow.hosting import kaggle_of
from common.workflow.record import result_of, scores_of
from common.workflow.request import Request
from kernels.attached import dataset_name, needs
from kernels.kernel_inputs import inputs_of, wheels
from kernels.made import KERNELS, OWNER, Made, made
from kernels.proof import prove, proven
from kernels.push import brought_back, output_of, pushed
from kernels.sandbox import run_sealed

SAMPLE = 500  # images of the proof before a push
LONGEST_S = 12 * 3600.0  # as Kaggle lets a kernel run


def flags(parser: ArgumentParser) -> None:
    """The words it takes."""
    shared.fields(parser)
    shared.continues(parser)
    wheels(parser)
    add = parser.add_argument
    add("--dry-run", action="store_true", help="make it and run it here, sealed; push nothing")
    add("--no-proof", action="store_true", help="push without a dry run on a sample")
    add(
        "--sample", type=int, help=f"labelled images of a dry run; default: all, {SAMPLE} of a push"
    )
    add("--layout", choices=("new", "old"), help="of /kaggle/input in a dry run; default: new")
    add(
        "--time-limit",
        type=int,
        metavar="S",
        help="seconds that it may run; it stops in order before",
    )
    add("--memory", type=int, metavar="MB", default=30_000, help="of a dry run (default: 30000)")
    add("--machine", help="accelerator; default: NvidiaTeslaT4 (two of them), none with device=cpu")
    add("--internet", action="store_true", help="with the internet on; default: off")
    add("--docker-pin", choices=("original", "latest"), help="of Kaggle's image; default: original")
    add("--docker-image", help="an image of Kaggle's by its name")
    add(
        "--continue",
        dest="goes_on",
        nargs="?",
        const=True,
        metavar="RUN",
        help="go on with a run out of time",
    )
    add("--again", action="store_true", help="push a script that was pushed before")
    add("--no-wait", action="store_true", help="do not wait for its end; the same command does")


def run(request: Request) -> dict[str, Any]:
    """Do it, and return what the JSON line holds."""
    request.slug  # noqa: B018  what is on no site has no kernels
    before = _gone_on_with(request)
    request = _as_before(request, before)
    files = _inputs(request)
    kernel = _made(request, before, attached=bool(files))
    size = kernel.script.stat().st_size
    say(f"{kernel.script}: {size:,} bytes, {request.competition.title}")
    result: dict[str, Any] = {"script": str(kernel.script), "bytes": size}
    dry = bool(request.options.get("dry_run"))
    if dry or not (request.options.get("no_proof") or proven(kernel)):
        sample = request.options.get("sample") or (None if dry else SAMPLE)
        tried = replace(request, options={**request.options, "sample": sample})
        session = _session(request, kernel, before, files)
        result["proof"] = prove(tried, kernel, run_sealed, session).facts
    if dry:
        say(f"next: {request.command(shlex.join(['kernel', *request.words]))}")
        return result
    data = request.data_folder
    with kaggle_of(request, data, kept=True, run_kernel=run_sealed) as environment:
        kernel = replace(kernel, kernel=_with_datasets(request, kernel.kernel, files, environment))
        return result | _brought_back(request, kernel, environment)


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


def _as_before(request: Request, before: Run | None) -> Request:
    """The request by the recipe, and unless others are typed by the words, of the run gone on with."""
    if before is None:
        return request
    words = request.words or tuple(before.read()["kernel"]["words"])
    return replace(request, recipe_name=before.read()["recipe_name"], words=words)


def _inputs(request: Request) -> dict[str, Path]:
    """The files that the kernel needs beside the data; with the internet on, the hub's are there."""
    wanted = needs(request.recipe)
    if request.options.get("internet") and not any(each.is_path for each in wanted):
        request = replace(request, words=(*request.words, "weights=scratch"))
    return inputs_of(request)[0]


def _made(request: Request, before: Run | None, *, attached: bool) -> Made:
    """The kernel on disk; one that goes on with another's run has that one attached."""
    own = [dataset_name(request.slug)[0]] if attached else []
    if before is None:
        return made(request, datasets=own, sources=(), part=1)
    origin = before.read()["kernel"]
    sources = (f"{origin['owner']}/{origin['slug']}",)
    return made(request, datasets=own, sources=sources, part=origin["part"] + 1)


def _session(
    request: Request, kernel: Made, before: Run | None, files: Mapping[str, Path]
) -> dict[str, Any]:
    """What a dry run has beside the competition's data: limits, and what is attached."""
    options, attached = request.options, kernel.folder / "inputs"
    inputs: dict[str, Path] = {}
    if before is not None:
        origin = before.read()["kernel"]
        inputs[f"notebooks/{origin['owner']}/{origin['slug']}"] = output_of(
            request.runs / KERNELS / origin["slug"], origin["version"]
        )
    if files:
        with replacing(attached) as temporary:
            temporary.mkdir()
            for name, path in files.items():
                shutil.copyfile(path, temporary / name)
        inputs[f"datasets/{OWNER}/{dataset_name(request.slug)[0]}"] = attached
    limits = {"memory_mb": options["memory"], "seconds": options.get("time_limit") or LONGEST_S}
    return {"inputs": inputs, **limits}


def _with_datasets(
    request: Request, kernel: Kernel, files: Mapping[str, Path], environment: Environment
) -> Kernel:
    """The kernel with the account's own dataset of inputs, which has to be there and the same.

    Raises:
        ValueError: it is not.
    """
    if not files:
        return kernel
    slug = dataset_name(request.slug)[0]
    there = datasets.settled(slug, environment=environment)
    if there.files != {name: path.stat().st_size for name, path in files.items()}:
        typed = shlex.join(["kernel-inputs", *request.words])
        raise ValueError(
            f"offline the kernel lacks {inputs_of(request)[1]}, and the dataset {there.owner}/{slug} "
            f"does not hold it: `{request.command(typed)}` uploads it"
        )
    return replace(kernel, datasets=(f"{there.owner}/{slug}",))


def _brought_back(request: Request, kernel: Made, environment: Environment) -> dict[str, Any]:
    """Push, and unless nobody is to wait, follow and fetch."""
    options = request.options
    there = pushed(kernel, again=bool(options.get("again")), environment=environment)
    result = {"kernel": f"{there.owner}/{there.slug}", "version": there.version, "url": there.url}
    if options.get("no_wait"):
        say(
            "it runs there; the same command without --no-wait waits for its end and fetches its run"
        )
        return result
    run = brought_back(request, kernel, there, environment=environment)
    name = request.competition.name
    if not run.read()["kernel"]["finished"]:
        say(f"out of time there. next: kit {name} kernel --continue {run.folder}")
        return result | {"run": str(run.folder), "finished": False}
    say(f"next: {request.command(f'submit --run {run.folder}')}")
    return result | {"finished": True} | result_of(run, scores_of(run))
