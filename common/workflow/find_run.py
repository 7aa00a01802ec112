"""The run that a verb works on: the one named by --run, the recipe's own, else the latest."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.errors import KitError
from common.progress import say
from common.recipe_values import NAMING_STAGES, differences, with_values
from common.runs import EXTERNAL_FILE, WITH_MODELS, Run, all_runs
from common.workflow.request import Request, place_of


def find_run(request: Request) -> Run:
    """A request to the run that `predict`, `submit`, `export` and `kernel` work on.

    `--run` names it. Fields or `--recipe` choose the latest run started with them. Otherwise it is
    the competition's latest run; of runs made from several data, the latest made from these.

    Raises:
        KitError: there is none; the message names the command that makes one.
    """
    name = request.competition.name
    words = request.words_of(*NAMING_STAGES)
    wanted = None
    if words or request.named_recipe:
        wanted = differences(with_values(request.base_recipe, words), NAMING_STAGES)
    if request.run is not None:
        run = named_run(request, request.run)
        if wanted is not None and wanted != _shape(run):
            raise KitError(
                f"--run {request.run} was not trained with these fields: leave them out, or leave "
                "out --run"
            )
        return run
    # A file from elsewhere is meant by its own name alone.
    runs = [run for run in all_runs(request.runs, name) if run.read().get("kind") != EXTERNAL_FILE]
    if wanted is not None:
        runs = [run for run in runs if _shape(run) == wanted]
    if not runs:
        typed = " ".join([f"--recipe {request.recipe_name}"] * request.named_recipe + words)
        raise KitError(
            f"{request.runs} holds no run of {name}{f' with {typed}' if typed else ''}: "
            f"`{request.command('run')}` makes one"
        )
    return _of_these_data(request, runs)


def _of_these_data(request: Request, runs: Sequence[Run]) -> Run:
    """The latest of these runs that is not known to be made from other data than the request's.

    Where all are, the latest, and it is said: the same data may lie in two places.
    """
    if request.data is None and not request.competition.on_kaggle:
        return runs[0]
    here = place_of(request)
    for run in runs:
        place = run.read().get("place", here)
        if place == here or not Path(place).exists():  # moved since, or on another machine
            return run
    say(
        f"no run below {request.runs} was made from {here}: {runs[0].folder} is the latest, made from "
        f"{runs[0].read()['place']}"
    )
    return runs[0]


def named_run(request: Request, folder: Path) -> Run:
    """A run's folder, or its name below --runs, to the run.

    Raises:
        KitError: it is no run folder, or another competition's.
    """
    run, name = Run(folder), request.competition.name
    if not run.read() and (request.runs / folder / "run.json").is_file():
        run = Run(request.runs / folder)
    if not run.read():
        raise KitError(f"{folder} is no run folder: it holds no run.json")
    if run.read()["competition"] != name:
        raise KitError(f"{folder} is a run of {run.read()['competition']}, not of {name}")
    return run


def _shape(run: Run) -> dict[str, Any] | None:
    """A trained run to its non-default split and train fields; None for other runs."""
    trained = run.read()["kind"] in WITH_MODELS
    return differences(run.recipe(), NAMING_STAGES) if trained else None
