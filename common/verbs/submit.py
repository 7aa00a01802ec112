"""Upload a finished run's submission.csv, wait for its score, and say what to do next.

It never trains. A file from elsewhere is checked, kept as a run of its own, and sent like any. An
embedded competition goes to the kit's own Kaggle on this machine. With --kernel nothing is
uploaded: the kernel that the run came from is submitted, as some competitions demand.

Example: kit cifar10 submit --message "first try", or kit cifar10 submit from_a_friend.csv
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from common.progress import say
from common.runs import FILE, Run
from common.workflow import options as shared
from common.workflow.options import flag
from common.workflow.request import Request, words_between
from common.workflow.run_results import result_of, scores_of
from common.workflow.submitting.send import send

SHARED = (shared.file_or_fields, shared.run)


@dataclass(frozen=True)
class Options:
    """What `submit` takes beside them."""

    kernel: Path | None = flag("submit from this run's kernel", metavar="RUN")
    message: str | None = flag("the submission's description")
    again: bool = flag("send a file that was submitted before", False)


def run(request: Request, options: Options) -> dict[str, Any]:
    """Upload, wait and print; the JSON holds the scores that came back."""
    found = send(request, message=options.message, again=options.again, kernel=options.kernel)
    _last_screen(request, found)
    return result_of(found, scores_of(found))


def _last_screen(request: Request, run: Run) -> None:
    """What was reached and what to type next."""
    result, facts = result_of(run, scores_of(run)), run.read()
    metric = result["metric"].replace("_", " ")
    spread = f" ± {result['cv_sd']:.4f}" if result.get("cv_sd") is not None else ""
    judged, foreign = "cv" in result, facts["kind"] == FILE
    cv = f"{result['cv']:.4f}{spread}  on {result['n']:,} rows" if judged else "none (folds=0)"
    seconds, trained = facts.get("seconds", {}), facts["kind"] == "trained"
    of = f"the file {facts['source']}" if foreign else f"recipe {facts['recipe_name']}"
    lines = [
        "",
        f"{request.competition.title}: {metric}, {of}",
        f"  cross-validation  {'none (a file from elsewhere)' if foreign else cv}",
        f"  leaderboard       public {_shown(result['public'])}, private {_shown(result['private'])}",
        f"  submission        {result['submission']} (ref {result['ref']})",
    ]
    if not foreign:
        lines += [
            f"  took              {sum(seconds.values()):,.0f} s"
            f" ({', '.join(f'{stage} {each:,.0f}' for stage, each in seconds.items())})"
            + f", {result['images_per_second']:,.0f} images/s in training"
            * trained,
            f"  pictures          {run / 'pictures'}",
        ]
    if judged:
        worst = run / "pictures" / "worst_mistakes.png"
        lines.append(f"  worst mistakes    {worst}")
    lines += ["next:", *_next(request, run, trained=trained)]
    for line in lines:
        say(line)


def _next(request: Request, run: Run, *, trained: bool) -> list[str]:
    """What to type now; each line ends with a command that works as it is."""
    own = replace(request, words=(), named_recipe=False, run=None)
    lines, name = [], run.read()["recipe_name"]
    if trained and name in request.competition.recipes:
        recipe = replace(run.recipe(), **run.read().get("predicted", {}))
        words = words_between(request.competition.recipes[name], recipe)
        first = next(iter(request.competition.recipes))
        own = replace(own, words=words, named_recipe=name != first, recipe_name=name)
        more = f"epochs={recipe.epochs * 2}"
        lines += [
            f"  more views, nothing is trained again:  {own.command('run', 'views=shifts+scales')}",
            f"  another field:  {own.command('run', more)} && {own.command('submit', more)}",
        ]
    return [*lines, f"  another recipe:  {own.command('recipes')}"]


def _shown(score: float | None) -> str:
    return f"{score:.4f}" if score is not None else "not told"
