"""Upload a finished run's submission.csv, wait for its score, and print the next commands.

It never trains. A submission file from elsewhere is checked and kept as a run. An embedded
competition is submitted to the local Kaggle. With --kernel nothing is uploaded: the output of the
run's kernel is submitted, as code competitions require.

Example: kit cifar10 submit --message "first try", or kit cifar10 submit from_a_friend.csv
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from common.progress import say
from common.runs import EXTERNAL_FILE, Run
from common.workflow import options as shared
from common.workflow.find_run import named_run
from common.workflow.options import flag
from common.workflow.request import Request, field_words
from common.workflow.run_results import predicted_recipe, result_of, scores_of
from common.workflow.submitting.send import send

SHARED = (shared.file_or_field_flags, shared.run)


@dataclass(frozen=True)
class Options:
    """The options of `submit`."""

    kernel: Path | None = flag("submit the output of this run's kernel", metavar="RUN")
    message: str | None = flag("the submission's description")
    again: bool = flag("submit a file that was submitted before", False)


def run(request: Request, options: Options) -> dict[str, Any]:
    """Upload, wait and print; the JSON holds the leaderboard scores."""
    if options.kernel is not None:
        _say_forecast(named_run(request, options.kernel))
    found = send(request, message=options.message, again=options.again, kernel=options.kernel)
    _last_screen(request, found)
    return result_of(found, scores_of(found))


def _say_forecast(run: Run) -> None:
    """Say so where the hidden test set takes longer than the kernel has, by its own times on Kaggle's machine."""
    told = run.read().get("forecast")
    if told and told["seconds"] > told["limit"]:
        say(
            f"{told['rows']:,} hidden rows would take {told['seconds'] / 3600:.1f} h of the "
            f"{told['limit'] / 3600:.1f} h that the kernel has, by what it measured there: it will fall back to "
            "fewer views and models"
        )


def _last_screen(request: Request, run: Run) -> None:
    """Print the run's scores and the next commands."""
    result, facts = result_of(run, scores_of(run)), run.read()
    metric = result["metric"].replace("_", " ")
    spread = f" ± {result['cv_sd']:.4f}" if result.get("cv_sd") is not None else ""
    judged, foreign = "cv" in result, facts["kind"] == EXTERNAL_FILE
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
    """The next commands, a line each, ready to paste."""
    own = replace(request, words=(), named_recipe=False, run=None)
    lines, name = [], run.read()["recipe_name"]
    if trained and name in request.competition.recipes:
        recipe = predicted_recipe(run, run.read().get("predicted", {}))
        words = field_words(request.competition.recipes[name], recipe)
        first = next(iter(request.competition.recipes))
        own = replace(own, words=words, named_recipe=name != first, recipe_name=name)
        more = f"epochs={recipe.epochs * 2}"
        lines += [
            f"  more views, without training:  {own.command('run', 'views=shifts+scales')}",
            f"  another field:  {own.command('run', more)} && {own.command('submit', more)}",
        ]
    return [*lines, f"  another recipe:  {own.command('recipes')}"]


def _shown(score: float | None) -> str:
    return f"{score:.4f}" if score is not None else "not told"
