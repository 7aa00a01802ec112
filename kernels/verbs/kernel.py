"""Make the recipe a Kaggle kernel, prove it here, push it, follow it, and bring its run back.

The script that is pushed is first run here, sealed as Kaggle's machine is, on a sample of the
images; its submission has to be that of the same run outside. --dry-run stops there, with the
whole data unless --sample says how many images. What comes back is a run like any other: `submit`,
`blend` and `predict` work on it. Called again, it goes on where it was.

--predict RUN makes a kernel that trains nothing: it predicts, with that run's models as a private
dataset, whatever test set is attached, as competitions that take notebooks only ask for.

Example: kit cifar10 kernel --recipe speed --time-limit 3600
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from common.errors import KitError
from common.kaggle.client import datasets
from common.kaggle.client.retry import Environment
from common.kaggle.machines import LONGEST_S
from common.progress import say
from common.runs import Run, locked_run
from common.storage import replacing
from common.workflow import options as shared
from common.workflow.request import Request
from common.workflow.run_results import result_of, scores_of
from common.workflow.submitting.local_kaggle import kaggle_of
from kernels.build.attachments import dataset_name
from kernels.build.continuation import as_before, unfinished
from kernels.build.spec import KERNELS, OWNER, BuiltKernel, Shape, build_kernel
from kernels.build.wanted_inputs import inputs_of, of_hub
from kernels.build.words import check_words, say_of_site, takes_notebooks_only
from kernels.deploy.dry_run import prove, proven
from kernels.deploy.predicting import predicting
from kernels.deploy.push import output_of, pushed, wait_and_fetch
from kernels.deploy.steps import SAMPLE, Steps
from kernels.sandbox.sealed_run import run_sealed

SHARED = (shared.field_flags, shared.accept_code_flag, shared.run)


@dataclass(frozen=True)
class Options(Steps):
    """What `kernel` takes beside them."""


def run(request: Request, options: Options) -> dict[str, Any]:
    """The JSON holds the script, its dry run, and what was pushed and brought back."""
    assert request.slug  # or a sentence: it is on no site
    if options.predict:
        _check(request, options)
        found = predicting(request, options, run_sealed)
        if "run" in found:
            say(f"next: {request.command('submit', '--kernel', found['run'])}")
        return found
    if given := [*options.of_predict(), *["--notebook"] * options.notebook]:
        raise KitError(
            f"{given[0]} is for a kernel that predicts (--predict RUN); the time of one that trains is "
            "--time-limit S"
        )
    source, on = None, []
    if options.goes_on:
        before = unfinished(request)
        request, options = as_before(request, options, before)
        source, on = before.read()["kernel"], ["--continue", "--run", str(before.folder)]
    _check(request, options)
    files, notes = inputs_of(request, options.wheel)
    # What is on the hub alone is fetched there, where the internet is on.
    online = options.internet and of_hub(request, options.wheel)
    kernel = build_kernel(request, options, files, source=source, online=online)
    with locked_run(kernel.folder):
        size = kernel.script.stat().st_size
        say(f"{kernel.script}: {size:,} bytes, {request.competition.title}")
        result: dict[str, Any] = {"script": str(kernel.script), "bytes": size}
        if options.dry_run or not (options.no_proof or proven(kernel)):
            result["proof"] = prove(
                request,
                kernel,
                run_sealed,
                inputs=_attached(request, kernel, source, files),
                sample=options.sample or (0 if options.dry_run else SAMPLE),
                layout=options.layout,
                memory_mb=options.memory,
            )
        if options.dry_run:
            say(f"next: {kernel.typed('kernel', *on)}")
            return result
        data = request.data_folder
        with kaggle_of(request, data, kept=True, run_kernel=run_sealed) as environment:
            if kernel.kernel.datasets:
                holder = _holder(request, kernel, files, notes, environment)
                kernel = replace(kernel, kernel=replace(kernel.kernel, datasets=(holder,)))
            return result | _brought_back(request, options, kernel, environment)


def _check(request: Request, options: Options) -> None:
    """Refuse what cannot be done.

    Raises:
        KitError: a flag has an impossible value, or Kaggle would take it for another one.
    """
    check_words(request, options)
    for name in ("sample", "memory"):
        if (number := getattr(options, name)) is not None and number <= 0:
            raise KitError(f"--{name} {number}: it is a number above 0")
    seconds = options.time_limit
    if seconds is not None and not 0 < seconds <= LONGEST_S:
        raise KitError(f"--time-limit {seconds}: Kaggle lets a kernel run 1 to {LONGEST_S} seconds")
    if options.no_wait and not request.on_site:
        raise KitError(
            f"--no-wait: what {request.competition.name} is pushed to lasts as long as this command; leave "
            "it out, or start `kit host` in another shell"
        )


def _attached(
    request: Request,
    kernel: BuiltKernel,
    source: Mapping[str, Any] | None,
    files: Mapping[str, Path],
) -> dict[str, Path]:
    """What a dry run finds beside the competition's data, by its place below /kaggle/input."""
    found: dict[str, Path] = {}
    if source is not None:
        folder = request.runs / KERNELS / source["slug"]
        found[f"notebooks/{source['owner']}/{source['slug']}"] = output_of(
            folder, source["version"]
        )
    if files:
        own = kernel.folder / "inputs"
        with replacing(own) as temporary:
            temporary.mkdir()
            for name, path in files.items():
                shutil.copyfile(path, temporary / name)
        found[f"datasets/{OWNER}/{dataset_name(request.slug)[0]}"] = own
    return found


def _holder(
    request: Request,
    kernel: BuiltKernel,
    files: Mapping[str, Path],
    notes: str,
    environment: Environment,
) -> str:
    """The account's dataset that holds these very files: "owner/slug".

    Raises:
        KitError: it does not.
    """
    slug = dataset_name(request.slug)[0]
    there = datasets.settled(slug, environment=environment)
    if there.status == "READY" and there.files is None:
        say(
            f"{there.owner}/{slug} is ready, but the list of its files cannot be had: the kernel stops at "
            "once where one is missing"
        )
    elif there.files != {name: path.stat().st_size for name, path in files.items()}:
        raise KitError(
            f"offline the kernel lacks {notes}, and the dataset {there.owner}/{slug} does not hold it: "
            f"`{request.command('kernel-inputs', *Shape(wheel=kernel.shape.wheel).typed())}` uploads it"
        )
    return f"{there.owner}/{slug}"


def _brought_back(
    request: Request, options: Options, kernel: BuiltKernel, environment: Environment
) -> dict[str, Any]:
    """Push, and unless nobody is to wait, follow and fetch."""
    if environment is None:
        say_of_site(request, options)
    there = pushed(kernel, again=options.again, environment=environment)
    result = {"kernel": there.name, "version": there.version, "url": there.url}
    if options.no_wait:
        say(
            "it runs there; the same command without --no-wait waits for its end and fetches its run"
        )
        return result
    run = wait_and_fetch(request, kernel, there, environment=environment)
    say(f"next: {submitting(request, run, environment)}")
    return result | result_of(run, scores_of(run))


def submitting(request: Request, run: Run, environment: Environment) -> str:
    """The command that submits a kernel's run: from the kernel where the site takes nothing else."""
    how = "--kernel" if takes_notebooks_only(request, environment) else "--run"
    return request.command("submit", how, str(run.folder))
