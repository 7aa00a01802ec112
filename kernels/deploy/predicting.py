"""A run made a kernel that only predicts: built, proven, its dataset sent, pushed, and fetched."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.errors import KitError
from common.kaggle.client import kernels
from common.kaggle.client.retry import Environment
from common.kaggle.machines import T4S
from common.kaggle.session import RunKernel
from common.progress import counted, first_of, say
from common.runs import Run, locked_run
from common.workflow.blending import blend
from common.workflow.files import fetch_if_absent, open_files
from common.workflow.find_run import named_run
from common.workflow.predicting.contents import Package
from common.workflow.predicting.half import halved, roundings
from common.workflow.predicting.levels import Level
from common.workflow.predicting.members import levels_of_node, open_package
from common.workflow.predicting.package import package_of
from common.workflow.request import FIELD, Request
from common.workflow.run_results import result_of, scores_of
from common.workflow.submitting.local_kaggle import kaggle_of
from kernels.build.predicting import (
    BuiltPredictor,
    build_predictor,
    folder_of,
    lay_out_package,
    limit_of,
)
from kernels.deploy.dry_run import proven
from kernels.deploy.forecast import Forecast, forecast_of, say_choice
from kernels.deploy.predict_proof import prove_predicting
from kernels.deploy.predicted_run import forecast_there, imported, timed_there
from kernels.deploy.push import output_of, pushed
from kernels.deploy.steps import SAMPLE, Steps
from kernels.deploy.upload import uploaded


def predicting(request: Request, steps: Steps, run_kernel: RunKernel) -> dict[str, Any]:
    """The JSON holds the script, the notebook, the dry run, and what was pushed and brought back.

    Raises:
        KitError: the run cannot predict another test set, or the dry run's submission is not its own.
    """
    _check(request, steps)
    fetch_if_absent(request)
    run = _run(request, steps.predict)
    folder = folder_of(request, run, notebook=steps.notebook)
    with locked_run(folder):
        package = package_of(request, run)
        if steps.half:
            package = _halved(request, package, folder / "half")
        place = lay_out_package(request, package, notebook=steps.notebook)
        seconds = limit_of(steps, steps.budget)
        found = None
        if not steps.no_forecast:
            found = forecast_of(
                request,
                package,
                place,
                there=timed_there(folder, _levels(request, place)) if steps.again else None,
                rows=steps.hidden_rows,
                limit=seconds,
                machine=steps.machine or T4S,
            )
        levels = found.chosen() if found and steps.budget else []
        if found and levels and steps.budget:
            say_choice(found, levels, steps.budget)
        predictor = build_predictor(
            request, steps, package, seconds=seconds, levels=levels, timed=found is not None
        )
        built = predictor.built
        size = built.script.stat().st_size
        say(f"{built.script}: {size:,} bytes, predicts as {run.folder} does")
        result: dict[str, Any] = {"script": str(built.script), "bytes": size, "of": str(run.folder)}
        if found:
            result["forecast"] = found.facts()
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
            say(f"next: {_typed(predictor, steps)}")
            return result
        data = request.data_folder
        with kaggle_of(request, data, kept=True, run_kernel=run_kernel) as environment:
            return result | _pushed(request, steps, predictor, found, environment)


def _typed(predictor: BuiltPredictor, steps: Steps, *more: str) -> str:
    """The command that makes this kernel."""
    run = str(predictor.run.folder)
    return predictor.built.typed("kernel", "--predict", run, *steps.of_predict(), *more)


def _halved(request: Request, package: Package, folder: Path) -> Package:
    """The package with rounded weights, and what that costs, said."""
    found = halved(package, folder)
    before, after = (
        sum(path.stat().st_size for path in each.files.values()) for each in (package, found)
    )
    say(f"--half: weights of {after / 1e6:,.1f} MB instead of {before / 1e6:,.1f}")
    files, told = open_files(request), False
    for each in roundings(request, package, files, folder / "folds"):
        told = True
        say(
            f"  {each.run}: {files.evaluator.name.replace('_', ' ')} {each.after:.4f} instead of "
            f"{each.before:.4f} on {counted(each.rows, 'held-out row')}; a probability is off by "
            f"{each.largest:.1g} at most"
        )
    if not told:
        say("  no rows were held out, so that nothing says what it costs")
    return found


def _levels(request: Request, place: Path) -> list[Level]:
    """All levels of the package in `place`."""
    return levels_of_node(open_package(request.competition, place)[0])


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
    request: Request,
    steps: Steps,
    predictor: BuiltPredictor,
    forecast: Forecast | None,
    environment: Environment,
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
        again = _typed(predictor, steps, "--again")
        raise KitError(f"{error}\n`{again}` pushes it once more") from error
    output = output_of(built.folder, there.version)
    kernels.fetch_output(there, output, environment=environment)
    run = imported(request, predictor, there, output)
    if forecast:
        forecast_there(predictor, forecast, run, output, again=_typed(predictor, steps, "--again"))
    return result | result_of(run, scores_of(run))
