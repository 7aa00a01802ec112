"""A finished run to a submission on Kaggle and a row in the ledger."""

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from common import ledger
from common.data.table import read_csv
from common.errors import KitError
from common.kaggle import client
from common.kaggle.client.kernels import Pushed
from common.ledger import Entry
from common.progress import say
from common.recipe import Recipe
from common.recipe_values import with_values
from common.runs import EXTERNAL_FILE, Run, digest_file, locked_run
from common.submission import problems_and_remarks
from common.workflow.files import open_files
from common.workflow.find_run import find_run, named_run
from common.workflow.request import Request, field_words
from common.workflow.run_results import predicted_recipe, scores_of
from common.workflow.submitting.external_file import run_for_file, run_of_file
from common.workflow.submitting.local_kaggle import kaggle_of
from common.workflow.submitting.submit_once import await_score, submit_once


def check_ledger(runs: Path) -> None:
    """Raise a KitError if the ledger of `runs` cannot be read: called before an upload.

    Raises:
        KitError: it is damaged.
    """
    ledger.read(runs / ledger.NAME)


def enter_in_ledger(runs: Path, run: Run, scores: dict[str, Any]) -> None:
    """Write the run's last submission into the ledger of `runs`."""
    facts = run.read()
    sent = facts["submitted"][-1]
    ledger.record(
        runs / ledger.NAME,
        Entry(
            time=sent["time"],
            competition=facts["competition"],
            run=run.folder.name,
            recipe=facts["recipe_name"],
            metric=facts["metric"],
            cv=scores.get("cv"),
            cv_sd=scores.get("cv_sd"),
            public=sent["public"],
            private=sent["private"],
            file=sent["file"],
            ref=sent["ref"],
            status=sent["status"],
        ),
    )


def update_ledger(runs: Path, competition: str, told: Sequence[client.Submission]) -> None:
    """Update the ledger by Kaggle's list: late scores, private scores after the deadline."""
    path, rows = runs / ledger.NAME, {row.ref: row for row in told}
    for entry in ledger.read(path):
        row = rows.get(entry.ref)
        same = row is not None and client.has_mark(row, client.digest_mark(entry.file))
        if row is None or not same or entry.competition != competition:
            continue
        known = {name: getattr(row, name) for name in ("public", "private")}
        known = {name: score for name, score in known.items() if score is not None}
        now = replace(entry, status=row.status.lower(), **known)
        if now != entry:
            ledger.record(path, now)
            say(f"{path}: submission {entry.ref} is {now.status}, public {now.public}")


def send(
    request: Request, *, message: str | None = None, again: bool = False, kernel: Path | None = None
) -> Run:
    """Check a run's file once more, upload it, record what came back, and return the run.

    The file of `request.file` that no run has written gets a run of its own, which is sent.
    """
    if any("\ud800" <= character <= "\udfff" for character in message or ""):
        raise KitError(f"--message {message!a} is no UTF-8 text: write it in UTF-8")
    if request.file is not None:
        if kernel is not None:
            raise KitError("--kernel submits what a kernel has written: leave it or the file out")
        request = run_of_file(request) or request
    if request.competition.code and request.on_site and kernel is None:
        how = replace(request, words=(), named_recipe=False, run=None).command(
            "kernel", "--predict", "RUN"
        )
        raise KitError(
            f"{request.slug} is a code competition, which takes no files: Kaggle re-runs a notebook on a "
            f"hidden test set. `{how}` pushes one that predicts with a finished run's models, and "
            "`submit --kernel FOLDER` submits it"
        )
    request, pushed = _from_kernel(request, kernel)
    slug, files = request.slug, None
    if request.file is not None:
        files = open_files(request)
        check_ledger(request.runs)
    found = find_run(request) if files is None else run_for_file(request, files)
    path = found / "submission.csv"
    if not path.is_file():
        raise KitError(
            f"{found.folder} has no submission.csv yet: `{request.command('run')}` finishes it"
        )
    _check_fields(request, found)
    _check_own(request, found)
    check_ledger(request.runs)
    with locked_run(found.folder):
        files = files or open_files(request)
        problems, _ = problems_and_remarks(read_csv(path), files.sample, files.form)
        if problems:
            raise KitError(f"{path} would be refused: {'; '.join(problems)}")
        message = message or _message(found)
        with kaggle_of(request, files.folder, kept=pushed is not None) as environment:
            passing = environment is not None and pushed is None
            if passing:  # that Kaggle lasts for one call and remembers no other
                found.note(submitting=None)
            again = again or passing
            sent = submit_once(
                slug, found, path, message, again=again, environment=environment, kernel=pushed
            )
            enter_in_ledger(request.runs, found, scores_of(found))
            try:
                rerun = pushed is not None
                await_score(slug, found, sent, from_kernel=rerun, environment=environment)
            finally:
                enter_in_ledger(request.runs, found, scores_of(found))
    return found


def _from_kernel(request: Request, folder: Path | None) -> tuple[Request, Pushed | None]:
    """A --kernel folder to the request for its run, and the kernel version it came from.

    Raises:
        KitError: the run is not a kernel's, not finished, or its submission.csv has changed.
    """
    if folder is None:
        return request, None
    run = named_run(request, folder)
    origin = run.read().get("kernel")
    if origin is None:
        raise KitError(
            f"{run.folder} was not written by a kernel: `{request.command('kernel')}` pushes one and brings its "
            "run back"
        )
    if not origin["finished"]:
        raise KitError(
            f"{run.folder} is not finished: "
            f"`{request.command('kernel', '--continue', '--run', str(run.folder))}` resumes it"
        )
    _check_own(request, run)
    if digest_file(run / "submission.csv") != origin["submission"]:
        raise KitError(
            f"{run / 'submission.csv'} was rewritten since it came back, and the kernel has another: "
            f"`{request.command('submit', '--run', str(run.folder))}` uploads this one"
        )
    names = [each.name for each in fields(Pushed)]
    return replace(request, run=run.folder), Pushed(**{name: origin[name] for name in names})


def _check_fields(request: Request, run: Run) -> None:
    """Raise a KitError if typed predict fields differ from those of the submission.csv."""
    words = request.words_of("predict")
    made = run.read().get("predicted", {})
    wanted = with_values(Recipe(), words)
    for word in words:
        name = word.partition("=")[0]
        if getattr(wanted, name) != made.get(name, getattr(Recipe(), name)):
            raise KitError(
                f"{run / 'submission.csv'} was not made with {word}: "
                f"`{request.command('run', word)}` makes that one"
            )


def _check_own(request: Request, run: Run) -> None:
    """Raise a KitError if the run wrote another submission.csv than is there: the run's CV is not its."""
    facts = run.read()
    if facts.get("submission") in (None, digest_file(path := run / "submission.csv")):
        return
    if facts["kind"] == "blended":
        members = [str(each["run"]) for each in facts["members"]]
        words = ["blend", *members, "--weights", facts["weights"]]
    else:
        own = predicted_recipe(run, facts["predicted"])
        words = ["predict", "--run", str(run.folder), *field_words(run.recipe(), own)]
    anew = request.command(*words)
    raise KitError(
        f"{path} was changed since the run wrote it, and the run's CV is not that of this file: `{anew}` "
        "writes the run's own; to send this one, move it out of the run and name it (submit FILE)"
    )


def _message(run: Run) -> str:
    scores, facts = scores_of(run), run.read()
    if facts["kind"] == EXTERNAL_FILE:
        return Path(facts["source"]).name
    return f"{run.folder.name} cv {scores['cv']:.4f}" if "cv" in scores else run.folder.name
