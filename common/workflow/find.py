"""Which run a verb means: the one named, the one a recipe describes, else the latest."""

from common.recipe import differences, with_values
from common.runs import Run, all_runs
from common.workflow.request import Request

SHAPING = ("split", "train")


def find_run(request: Request) -> Run:
    """The run that `predict`, `submit` and their like work on.

    `--run` names it. Fields or `--recipe` choose the latest run begun with them. Otherwise it is
    the latest run of the competition.

    Raises:
        ValueError: there is none; the sentence says what makes one.
    """
    name = request.competition.name
    if request.run is not None:
        run = Run(request.run)
        if not run.read():
            raise ValueError(f"--run {request.run} is no run folder: it holds no run.json")
        if run.read()["competition"] != name:
            raise ValueError(
                f"--run {request.run} is a run of {run.read()['competition']}, not of {name}"
            )
        return run
    runs = all_runs(request.runs, name)
    words = request.words_of(*SHAPING)
    if words or request.named_recipe:
        wanted = differences(with_values(request.base_recipe, words), SHAPING)
        runs = [run for run in runs if differences(run.recipe(), SHAPING) == wanted]
    if not runs:
        typed = " ".join([f"--recipe {request.recipe_name}"] * request.named_recipe + words)
        raise ValueError(
            f"{request.runs} holds no run of {name}{f' with {typed}' if typed else ''}: "
            f"`kit {name} run {typed}`".rstrip(" `")
            + "` makes one"
        )
    return runs[0]
