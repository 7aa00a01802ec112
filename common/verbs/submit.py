"""Upload a finished run's submission.csv, wait for its score, and say what to do next.

It never trains. An embedded competition goes to the kit's own Kaggle on this machine. With --kernel
nothing is uploaded: the kernel that the run came from is submitted, as some competitions demand.

Example: kit cifar10 submit --message "first try"
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.progress import say
from common.runs import Run
from common.workflow import options as shared
from common.workflow.options import flag
from common.workflow.request import Request
from common.workflow.run_results import result_of, scores_of
from common.workflow.submitting.send import send

SHARED = (shared.recipe_fields, shared.run)


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
    result, name = result_of(run, scores_of(run)), request.competition.name
    metric = result["metric"].replace("_", " ")
    spread = f" ± {result['cv_sd']:.4f}" if result.get("cv_sd") is not None else ""
    judged = "cv" in result
    cv = f"{result['cv']:.4f}{spread}  on {result['n']:,} rows" if judged else "none (folds=0)"
    seconds = run.read().get("seconds", {})
    recipe, trained = run.read()["recipe_name"], run.read()["kind"] == "trained"
    lines = [
        "", f"{request.competition.title}: {metric}, recipe {recipe}",
        f"  cross-validation  {cv}",
        f"  leaderboard       public {_shown(result['public'])}, private {_shown(result['private'])}",
        f"  submission        {result['submission']} (ref {result['ref']})",
        f"  took              {sum(seconds.values()):,.0f} s"
        f" ({', '.join(f'{stage} {each:,.0f}' for stage, each in seconds.items())})"
        + f", {result['images_per_second']:,.0f} images/s in training" * trained,
        f"  pictures          {run / 'pictures'}",
        "next:",
    ]  # fmt: skip
    if judged:
        worst = run / "pictures" / "worst_mistakes.png"
        lines.append(f"  look              the worst mistakes: {worst}")
    if trained:
        lines += [
            f"  more views        kit {name} run views=shifts+scales      (trains nothing again)",
            f"  another field     kit {name} run epochs={run.recipe().epochs * 2}"
            f" && kit {name} submit",
        ]
    lines.append(f"  another recipe    kit {name} recipes")
    for line in lines:
        say(line)


def _shown(score: float | None) -> str:
    return f"{score:.4f}" if score is not None else "not told"
