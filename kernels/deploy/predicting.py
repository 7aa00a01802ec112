"""A run made a kernel that only predicts: built, proven, its dataset sent, pushed, and fetched."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from common.errors import KitError
from common.kaggle.client import kernels
from common.kaggle.client.retry import Environment
from common.kaggle.session import RunKernel
from common.progress import first_of, say
from common.runs import Run, digest_file, locked_run
from common.storage import read_json, replacing
from common.workflow.blending import blend
from common.workflow.files import fetch_if_absent
from common.workflow.find_run import named_run
from common.workflow.request import FIELD, Request
from common.workflow.run_results import result_of, scores_of
from common.workflow.submitting.local_kaggle import kaggle_of
from kernels.build.predicting import BuiltPredictor, build_predictor, typed
from kernels.deploy.dry_run import difference, proven
from kernels.deploy.predict_proof import prove_predicting
from kernels.deploy.push import known, output_of, pushed
from kernels.deploy.steps import SAMPLE, Steps
from kernels.deploy.upload import uploaded
from kernels.runtime.manifest import read_manifest
from kernels.runtime.predict import REPORT, SUBMISSION

PREDICTED = "predicted"  # the kind of a run that a kernel predicted with another run's models
RESULTS = ("scores.json", "oof.npz", "predictions")
LIGHT = ("run.json", "classes.json", "target.json", "folds.csv", *RESULTS)  # no weights, no logs


def predicting(request: Request, steps: Steps, run_kernel: RunKernel) -> dict[str, Any]:
    """The JSON holds the script, the notebook, the dry run, and what was pushed and brought back.

    Raises:
        KitError: the run cannot predict another test set, or the dry run's submission is not its own.
    """
    _check(request, steps)
    fetch_if_absent(request)
    run = _run(request, steps.predict)
    predictor = build_predictor(request, steps, run, budget=steps.budget)
    built = predictor.built
    with locked_run(built.folder):
        size = built.script.stat().st_size
        say(f"{built.script}: {size:,} bytes, predicts as {run.folder} does")
        result: dict[str, Any] = {"script": str(built.script), "bytes": size, "of": str(run.folder)}
        if steps.dry_run or not (steps.no_proof or proven(built)):
            result["proof"] = prove_predicting(
                request,
                predictor,
                run_kernel,
                sample=steps.sample or SAMPLE,
                layout=steps.layout,
                memory_mb=steps.memory,
            )
        if steps.dry_run:
            say(f"next: {typed(predictor, steps.budget)}")
            return result
        data = request.data_folder
        with kaggle_of(request, data, kept=True, run_kernel=run_kernel) as environment:
            return result | _pushed(request, steps, predictor, environment)


def _check(request: Request, steps: Steps) -> None:
    """Raise a KitError for what a predicting kernel has no use of."""
    for name, given in (("--continue", steps.goes_on), ("--internet", steps.internet)):
        if given:
            raise KitError(f"{name} has no meaning with --predict: leave one of them out")
    others = [str(path) for path in steps.predict if FIELD.match(str(path))] + [*request.words]
    if others or request.named_recipe or request.run:
        how = replace(request, words=(), run=None).command(
            "predict", "views=mirror", "--run", "RUN"
        )
        raise KitError(
            f"--predict takes a run as it is, so that --recipe, --run and {first_of(others or ['fields'])} say "
            f"nothing more: `{how}`, for example, predicts otherwise first"
        )


def _run(request: Request, paths: Sequence[Path]) -> Run:
    """The run that is named, or the blend of several."""
    if len(paths) == 1:
        return named_run(request, paths[0])
    say(
        f"{len(paths)} runs: they are blended first, as `kit {request.competition.name} blend` does"
    )
    return blend(request, paths, kind="greedy")


def _pushed(
    request: Request, steps: Steps, predictor: BuiltPredictor, environment: Environment
) -> dict[str, Any]:
    """Send the dataset and push; unless nobody is to wait, follow and fetch."""
    notes = f"the models of {predictor.run.folder.name}"
    holder, _ = uploaded(request, predictor.dataset, predictor.files, notes, environment)
    built = replace(predictor.built, kernel=replace(predictor.built.kernel, datasets=(holder,)))
    there = pushed(built, again=steps.again, environment=environment)
    result = {"kernel": there.name, "version": there.version, "url": there.url, "dataset": holder}
    if steps.no_wait:
        say("it runs there; the same command without --no-wait waits for its end and fetches it")
        return result
    try:
        kernels.follow(there, environment=environment)
    except kernels.KernelError as error:
        again = typed(predictor, steps.budget, "--again")
        raise KitError(f"{error}\n`{again}` pushes it once more") from error
    output = output_of(built.folder, there.version)
    kernels.fetch_output(there, output, environment=environment)
    run = _imported(request, predictor, there, output)
    return result | result_of(run, scores_of(run))


def _imported(
    request: Request, predictor: BuiltPredictor, there: kernels.Pushed, output: Path
) -> Run:
    """A run folder for what the kernel wrote of the visible test set: what `submit --kernel` takes.

    Raises:
        KitError: the output is not what it lists, or holds no submission.
    """
    manifest, sent = read_manifest(output), output / SUBMISSION
    if manifest is None or not sent.is_file():
        raise KitError(
            f"version {there.version} of {there.url} left no {SUBMISSION}: look at its log"
        )
    stem, _, digits = predictor.run.folder.name.rpartition("-")
    target = Run(request.runs / f"{stem}-predict-v{there.version}-{digits}")
    origin = asdict(there) | {
        "part": 1,
        "key": predictor.built.key,
        "pushed": known(predictor.built.folder)[predictor.built.key].get("time", ""),
        "run": predictor.run.folder.name,
        "finished": True,
        "words": [],
        "options": predictor.built.shape.given(),
        "submission": digest_file(sent),
        "visible": read_json(output / REPORT) if (output / REPORT).is_file() else {},
    }
    before = target.read().get("kernel")
    if before and (before["key"], before["pushed"]) != (origin["key"], origin["pushed"]):
        raise KitError(
            f"{target.folder} is of another kernel of that name and version: move it away"
        )
    if not before:
        with replacing(target.folder) as temporary:
            temporary.mkdir(parents=True)
            for name in LIGHT:
                path = predictor.run / name
                if path.is_dir():
                    shutil.copytree(path, temporary / name)
                elif path.is_file():
                    shutil.copyfile(path, temporary / name)
            shutil.copyfile(sent, temporary / SUBMISSION)
            facts = Run(temporary).read()
            kept = {name: value for name, value in facts.items() if not name.startswith("submi")}
            (temporary / "run.json").unlink()
            Run(temporary).note(**kept | {"kind": PREDICTED, "kernel": origin})
    _tell(predictor.run, sent, target)
    return target


def _tell(run: Run, sent: Path, target: Run) -> None:
    """Say how the kernel's submission differs from the run's own."""
    found = difference(run / SUBMISSION, sent)
    how = "byte for byte those of"
    if not found["equal"]:
        much = f", by at most {found['largest']:.2g}," if found.get("largest") else ""
        how = f"{found['differing']:,} of them{much} unlike those of"
    say(f"{target.folder}: the kernel's rows of the visible test set, {how} {run.folder}")
