"""Upload a finished run's submission.csv, wait for its score, and say what to do next.

It never trains. An embedded competition goes to the kit's own Kaggle on this machine. With --kernel
nothing is uploaded: the kernel that the run came from is submitted, as some competitions demand.

Example: kit cifar10 submit --message "first try"
"""

from argparse import ArgumentParser
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from common import submission
from common.data.table import read_csv
from common.kaggle.kernels import Pushed
from common.progress import say
from common.recipe import Recipe, with_values
from common.runs import Run, digest_file, owned
from common.workflow import flags as shared
from common.workflow.files import open_files
from common.workflow.find import find_run, named_run
from common.workflow.hand_in import await_score, hand_in
from common.workflow.hosting import kaggle_of
from common.workflow.ledger import check_ledger, enter
from common.workflow.request import Request
from common.workflow.result import result_of, scores_of


def flags(parser: ArgumentParser) -> None:
    """The words it takes."""
    shared.fields(parser)
    shared.run(parser)
    parser.add_argument("--kernel", type=Path, metavar="RUN", help="submit from this run's kernel")
    parser.add_argument("--message", help="the submission's description")
    parser.add_argument(
        "--again", action="store_true", help="send a file that was submitted before"
    )


def run(request: Request) -> dict[str, Any]:
    """Do it, and return what the JSON line holds."""
    found = send(request)
    _last_screen(request, found)
    return result_of(found, scores_of(found))


def send(request: Request) -> Run:
    """Check a run's file once more, upload it, record what came back, and return the run."""
    request, kernel = _from_kernel(request)
    slug, found = request.slug, find_run(request)
    path = found / "submission.csv"
    if not path.is_file():
        raise ValueError(
            f"{found.folder} has no submission.csv yet: `kit {request.competition.name} run` "
            "finishes it"
        )
    _check_fields(request, found)
    check_ledger(request.runs)
    with owned(found.folder):
        files = open_files(request)
        problems = submission.validate(read_csv(path), files.sample, files.classes)
        if problems:
            raise ValueError(f"{path} would be refused: {'; '.join(problems)}")
        message = request.options.get("message") or _message(found)
        with kaggle_of(request, files.folder, kept=kernel is not None) as environment:
            passing = environment is not None and kernel is None
            if passing:  # that Kaggle lasts for one call and remembers no other
                found.note(submitting=None)
            again = bool(request.options.get("again")) or passing
            sent = hand_in(
                slug, found, path, message, again=again, environment=environment, kernel=kernel
            )
            enter(request.runs, found, scores_of(found))
            try:
                await_score(slug, found, sent, environment=environment)
            finally:
                enter(request.runs, found, scores_of(found))
    return found


def _from_kernel(request: Request) -> tuple[Request, Pushed | None]:
    """The request for the run that --kernel names, and the kernel version that it came from.

    Raises:
        ValueError: it came from none, is not finished, or has another submission by now.
    """
    folder = request.options.get("kernel")
    if folder is None:
        return request, None
    run, name = named_run(request, folder), request.competition.name
    origin = run.read().get("kernel")
    if origin is None:
        raise ValueError(
            f"{run.folder} came from no kernel: `kit {name} kernel` pushes one and brings its run back"
        )
    if not origin["finished"]:
        raise ValueError(
            f"{run.folder} is not finished: `kit {name} kernel --continue --run {run.folder}` goes on with it"
        )
    if digest_file(run / "submission.csv") != origin["submission"]:
        raise ValueError(
            f"{run / 'submission.csv'} was written anew since it came back, and the kernel has another: "
            f"`kit {name} submit --run {run.folder}` uploads this one"
        )
    names = [each.name for each in fields(Pushed)]
    return replace(request, run=run.folder), Pushed(**{name: origin[name] for name in names})


def _check_fields(request: Request, run: Run) -> None:
    """Raise a ValueError when typed predict fields are not those of the submission that is there."""
    words = request.words_of("predict")
    made = run.read().get("predicted", {})
    wanted = with_values(Recipe(), words)
    for word in words:
        name = word.partition("=")[0]
        if getattr(wanted, name) != made.get(name, getattr(Recipe(), name)):
            raise ValueError(
                f"{run / 'submission.csv'} was not made with {word}: "
                f"`kit {request.competition.name} run {word}` makes that one"
            )


def _message(run: Run) -> str:
    scores = scores_of(run)
    return f"{run.folder.name} cv {scores['cv']:.4f}" if "cv" in scores else run.folder.name


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
