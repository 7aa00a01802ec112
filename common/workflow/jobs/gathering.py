"""Job files from other machines into one run, as if it had been trained here."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from common.errors import KitError
from common.progress import counted, first_of, say
from common.recipe import Recipe
from common.recipe_values import NAMING_STAGES, differences
from common.runs import clear_run, digest_file
from common.training import checkpoint
from common.training.jobs import Job
from common.training.parallel.job_file import HELD_OUT, TEST, WEIGHTS, read_facts, unpack
from common.workflow.files import fetch_if_absent
from common.workflow.jobs.alone import jobs_in, same_facts
from common.workflow.jobs.model_probs import HELD_OUT as HELD_OUT_ROWS
from common.workflow.jobs.model_probs import probs_path
from common.workflow.prepare import Prepared, prepared
from common.workflow.request import Request
from common.workflow.train_models import note_speed

Facts = dict[str, Any]
# What is compared, and how a sentence calls it.
COMPARED = {
    "competition": "another competition",
    "recipe": "another recipe",
    "files": "other files of weights",
    "data": "other data (ids, labels or images)",
    "folds": "other folds",
    "code": "other code",
}


def gather(request: Request, paths: Sequence[Path]) -> dict[str, Any]:
    """Put job files into the run that their recipe and these data name; none is trained here.

    All are checked before the first is put there.

    Raises:
        KitError: a file is damaged, of another run, or double; or models are still missing: the
            others are then in the run, and the message names the commands that make the rest.
    """
    files = _by_job(paths)
    request = _request_of(request, *next(iter(files.values())))
    fetch_if_absent(request)
    with prepared(request) as ready:
        try:
            _check(ready, files)
        except KitError:
            begun = (*ready.run.folder.glob(f"*/{WEIGHTS}"), *ready.run.folder.glob("*/log.jsonl"))
            if not begun:
                clear_run(ready.run.folder)
            raise
        jobs = {job.name: job for job in jobs_in(ready)}
        new = {name: file for name, file in files.items() if not _is_there(ready, name)}
        for name, (path, facts) in new.items():
            _put(ready, jobs[name], path, facts)
        if new:
            _note(ready, [facts for _, facts in new.values()])
        missing = [name for name in jobs if not _is_there(ready, name)]
        if missing:
            raise KitError(_missing_text(request, ready, missing))
        say(f"{ready.run.folder}: all {counted(len(jobs), 'model')} are there")
        say(f"next: {request.command('run')}")
        return {"run": str(ready.run.folder), "jobs": [*jobs]}


def _by_job(paths: Sequence[Path]) -> dict[str, tuple[Path, Facts]]:
    found: dict[str, tuple[Path, Facts]] = {}
    for path in paths:
        facts = read_facts(path)
        if facts["job"] in found:
            raise KitError(
                f"{found[facts['job']][0]} and {path} both hold {facts['job']}: name one of them"
            )
        found[facts["job"]] = path, facts
    return found


def _request_of(request: Request, path: Path, facts: Facts) -> Request:
    """The request with the recipe and words that the first file was trained by.

    Raises:
        KitError: it is another competition's, or the recipe of that name is another one here.
    """
    name = request.competition.name
    if facts["competition"] != name:
        raise KitError(f"{path} is of {facts['competition']}, not of {name}: gather it there")
    request = replace(
        request, recipe_name=facts["recipe_name"], named_recipe=True, words=tuple(facts["words"])
    )
    here = differences(request.recipe, NAMING_STAGES)
    if here != facts["recipe"]:
        raise KitError(
            f"{path} was trained by another recipe {facts['recipe_name']} than is here: "
            f"{_apart(facts['recipe'], here)}"
        )
    return request


def _check(ready: Prepared, files: dict[str, tuple[Path, Facts]]) -> None:
    here, jobs = same_facts(ready), [job.name for job in jobs_in(ready)]
    for name, (path, facts) in files.items():
        for key, what in COMPARED.items():
            if facts[key] != here[key]:
                told = f"digest {facts[key]}, here {here[key]}"
                if key == "recipe":
                    told = _apart(facts[key], here[key])
                raise KitError(
                    f"{path} was trained by {what} than is here ({told}): its numbers would mix two "
                    "runs; train it again where the same is, or leave it out"
                )
        if name not in jobs:
            raise KitError(
                f"{path} holds {name}, which this recipe has not: there are {', '.join(jobs)}"
            )
        kept = ready.run / name / WEIGHTS
        if kept.is_file() and not facts["digests"][WEIGHTS].startswith(digest_file(kept)):
            raise KitError(
                f"{kept.parent} is trained already, with other weights than {path} holds: leave the file "
                "out, or move the folder away"
            )


def _is_there(ready: Prepared, name: str) -> bool:
    return checkpoint.is_finished(ready.run / name)


def _put(ready: Prepared, job: Job, path: Path, facts: Facts) -> None:
    """Unpack a file into the job's folder; its probs go beside the run's predictions."""
    probs = {}
    if facts["predict"] == differences(ready.recipe, ("predict",)):
        whats = {HELD_OUT: HELD_OUT_ROWS, TEST: f"test-{facts['test']}"}
        probs = {member: probs_path(ready, job, what) for member, what in whats.items()}
    unpack(path, ready.run / job.name, probs=probs)


def _note(ready: Prepared, files: Sequence[Facts]) -> None:
    """Record where and how the models were trained, and say what differs between their machines."""
    run, first = ready.run, files[0]
    kept = ("environment", "device", "precision", "inference_batch", "seconds")
    jobs = {each["job"]: {name: each[name] for name in kept} for each in files}
    jobs = run.read().get("jobs", {}) | jobs
    same = {name: first[name] for name in ("device", "precision", "inference_batch")}
    run.note(
        kind="trained" if ready.recipe.epochs else "zero-training", runtime={}, **same, jobs=jobs
    )
    run.add_seconds("train", sum(each["seconds"].get("train", 0.0) for each in files))
    note_speed(ready)
    for name in ("device", "precision"):
        found = sorted({each[name] for each in jobs.values()})
        if len(found) > 1:
            say(f"  the models were trained with {name} {' and '.join(found)}")
    versions = [each["environment"]["versions"] for each in jobs.values()]
    apart = sorted(
        name for name in versions[0] if len({each.get(name, "") for each in versions}) > 1
    )
    if apart:
        say(f"  the models were trained with different versions of {first_of(apart)}")


def _missing_text(request: Request, ready: Prepared, names: list[str]) -> str:
    lines = [f"  {request.command('job', name, '--out', f'{name}.zip')}" for name in names]
    return (
        f"{ready.run.folder} lacks {counted(len(names), 'model')}: {first_of(names)}; what was given "
        "is there. Train the rest and gather it, or let `run` train it here:\n" + "\n".join(lines)
    )


def _apart(theirs: Facts, here: Facts) -> str:
    """Two recipes' fields to those that differ: 'lr=0.1, here lr=0.2'."""
    names = sorted(
        name for name in theirs.keys() | here.keys() if theirs.get(name) != here.get(name)
    )
    defaults = asdict(Recipe())
    told = (f"{n}={theirs.get(n, defaults[n])}, here {here.get(n, defaults[n])}" for n in names)
    return "; ".join(told)
