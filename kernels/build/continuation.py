"""Resume an unfinished run in a new kernel version (--continue)."""

from dataclasses import replace
from typing import TypeVar

from common.errors import KitError
from common.runs import Run, all_runs
from common.workflow.find_run import named_run
from common.workflow.prepare import code_of
from common.workflow.request import Request
from kernels.build.spec import Shape

S = TypeVar("S", bound=Shape)


def unfinished(request: Request) -> Run:
    """The unfinished run that --continue means: that of --run, or the last one that came back.

    Raises:
        KitError: there is none, other words or another recipe were typed than it was begun with, or
            other code would go on with it.
    """
    name = request.competition.name
    runs = [named_run(request, request.run)] if request.run else all_runs(request.runs, name)
    left = [run for run in runs if run.read().get("kernel", {}).get("finished") is False]
    if not left:
        where = request.run or f"{request.runs}, among the runs of {name},"
        raise KitError(
            f"--continue resumes a run that a kernel left unfinished, and {where} is none: "
            f"`{request.command('kernel')}` pushes a kernel from the beginning"
        )
    run = left[0]
    facts = run.read()
    begun = facts["kernel"]["words"]
    if request.words and list(request.words) != begun:
        raise KitError(
            f"{run.folder} was begun with {' '.join(begun) or 'no words'}, and only these go on with it: "
            "leave the words out, or leave out --continue"
        )
    if request.named_recipe and request.recipe_name != facts["recipe_name"]:
        raise KitError(
            f"{run.folder} is of the recipe {facts['recipe_name']}: leave --recipe out, or name another "
            "run (--run RUN)"
        )
    if facts["code"] != code_of(request) and not request.accept_code:
        raise KitError(
            f"the code has changed since {run.folder} was begun: go back to the old code, or go on all "
            "the same with --accept-code"
        )
    return run


def as_before(request: Request, shape: S, run: Run) -> tuple[Request, S]:
    """The recipe, the words and the flags of the run that is resumed, but for flags given now."""
    facts = run.read()
    before = {
        name: tuple(v) if isinstance(v, list) else v
        for name, v in facts["kernel"]["options"].items()
    }
    again = replace(
        request,
        recipe_name=facts["recipe_name"],
        named_recipe=True,
        run=None,
        words=tuple(facts["kernel"]["words"]),
    )
    return again, replace(shape, **(before | shape.given()))
