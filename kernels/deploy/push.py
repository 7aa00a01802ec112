"""Push a kernel at most once: followed to its end, and its run imported as an ordinary run folder."""

import shutil
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.environment import git_commit
from common.errors import KitError
from common.kaggle.client import kernels
from common.kaggle.client.errors import KaggleError
from common.kaggle.client.retry import Environment
from common.progress import say
from common.recipe import Recipe
from common.runs import Run, digest_file
from common.storage import read_json, replacing, write_json
from common.workflow.request import Request
from kernels.build.attachments import needs
from kernels.build.bundle import ROOT
from kernels.build.spec import BuiltKernel
from kernels.runtime.manifest import read_manifest

PUSHES = "pushes.json"


def pushed(built: BuiltKernel, *, again: bool, environment: Environment) -> kernels.Pushed:
    """Push the kernel, unless the same one was pushed before; every push stays known.

    What is about to be sent is noted first: an interrupted call is resumed.

    Raises:
        UnsureError: it cannot be known yet whether it was pushed.
        KaggleError: it was refused, or runs without what it needs.
        KitError: the run that it resumes is not of the newest version of its kernel any more.
    """
    note = known(built.folder).get(built.key, {})
    if note.get("kernel") and not again:
        there = kernels.Pushed(**note["kernel"])
        say(f"{built.script} was pushed before, as version {there.version} of {there.url}")
        return there
    _check_source(built, environment)
    note = {"commit": git_commit(ROOT), "since": note.get("since")}

    def sending(newest: int | None) -> None:
        _note(built, note | {"since": {"newest": newest, "sent": time.time()}})

    try:
        there = kernels.push(
            built.kernel,
            since=note["since"],
            sending=sending,
            insist=again,
            environment=environment,
        )
    except kernels.UnsureError:
        raise
    except KaggleError:  # surely not pushed: the next call need not wait for it
        since = known(built.folder).get(built.key, {}).get("since")
        if since:
            _note(built, note | {"since": {"newest": since["newest"]}})
        raise
    stale = output_of(built.folder, there.version)
    if stale.exists():  # of a kernel of that name which was deleted since: numbers begin anew
        stale.replace(stale.with_name(f"{stale.name}-until-{_now()}"))
    _note(built, note | {"kernel": asdict(there), "since": None, "time": _now()})
    say(f"pushed: version {there.version} of {there.url}")
    return there


def _check_source(built: BuiltKernel, environment: Environment) -> None:
    """Refuse to go on with an older version of a kernel: Kaggle attaches the newest."""
    source = built.source
    if source is None:
        return
    newest = kernels.newest(source["slug"], environment=environment)
    if newest not in (None, source["version"]):
        raise KitError(
            f"the run to resume is of version {source['version']} of {source['owner']}/{source['slug']}, "
            f"and Kaggle attaches a kernel's newest version, which is {newest or 'not there any more'}: "
            f"`{built.typed('kernel', '--again')}` begins anew"
        )


def known(folder: Path) -> dict[str, Any]:
    """What was pushed from a kernel's folder, by key."""
    path = folder / PUSHES
    return dict(read_json(path)) if path.is_file() else {}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")


def _note(built: BuiltKernel, note: dict[str, Any]) -> None:
    write_json(built.folder / PUSHES, known(built.folder) | {built.key: note})


def output_of(folder: Path, version: int) -> Path:
    """Where a version's output is kept, in a kernel's folder."""
    return folder / f"version-{version}"


def wait_and_fetch(
    request: Request, built: BuiltKernel, there: kernels.Pushed, *, environment: Environment
) -> Run:
    """Wait for the kernel's end, fetch its output, and make a run folder of it.

    Raises:
        KitError: it failed, with the last lines of its log; a run that it could begin is brought
            back all the same, and the message says how to resume it.
    """
    failure: kernels.KernelError | None = None
    try:
        kernels.follow(there, environment=environment)
    except kernels.KernelError as error:
        failure = error
    output = output_of(built.folder, there.version)
    try:
        kernels.fetch_output(there, output, environment=environment)
        run = import_run(request, built, there)
    except KitError as error:
        if failure is None:
            raise
        raise KitError(
            f"{failure}\nand what it left could not be fetched: {error}; the same command tries again"
        ) from error
    again = built.typed("kernel", "--again", *(["--continue"] if built.source else []))
    if run is None:
        what = failure or f"version {there.version} of {there.url} left no run in its output"
        raise KitError(f"{what}\n`{again}` pushes it once more")
    if failure is not None or not run.read()["kernel"]["finished"]:
        on = request.command("kernel", "--continue", "--run", str(run.folder))
        what = failure or f"version {there.version} of {there.url} ran out of time"
        raise KitError(
            f"{what}\nits run so far is {run.folder}: `{on}` resumes it in a new kernel version"
        )
    return run


def import_run(request: Request, built: BuiltKernel, there: kernels.Pushed) -> Run | None:
    """The run that a kernel left in its output, as one of the request's; None when it left none.

    Each version's run has a name of its own: no run, of this machine or of a kernel, is replaced.

    Raises:
        KitError: the output is not what it lists, or the run's place is taken.
    """
    output = output_of(built.folder, there.version)
    manifest = read_manifest(output)
    found = sorted(output.glob("runs/*/run.json"), key=lambda path: path.stat().st_mtime_ns)
    if not found:
        return None
    source = output / "runs" / manifest["run"] if manifest else found[-1].parent
    name, _, hex_ = source.name.rpartition("-")
    part = "" if built.part == 1 else f"-part{built.part}"
    target = Run(request.runs / f"{name}-kernel{part}-v{there.version}-{hex_}")
    sent, note = source / "submission.csv", known(built.folder).get(built.key, {})
    origin = asdict(there) | {
        "part": built.part,
        "key": built.key,
        "pushed": note.get("time", ""),
        "run": source.name,
        "finished": bool(manifest and manifest["finished"]),
        "words": list(request.words),
        "options": built.shape.given(),
        "submission": digest_file(sent) if sent.is_file() else None,
    }
    there_already = target.read().get("kernel")
    same = ("key", "pushed")
    if there_already and any(there_already.get(name) != origin[name] for name in same):
        raise KitError(
            f"{target.folder} is the run of another kernel of that name and version: move it away"
        )
    if not there_already:
        with replacing(target.folder) as temporary:
            shutil.copytree(source, temporary)
            recipe = asdict(_at_home(request, Run(temporary)))
            Run(temporary).note(
                kind="fetched", kernel=origin, recipe=recipe, git_commit=note.get("commit", "")
            )
    (target / ".used").touch()
    whole = "every file as it was written there" if manifest else "as far as it had come"
    say(f"{target.folder}: the run of version {there.version}, {whole}")
    return target


def _at_home(request: Request, run: Run) -> Recipe:
    """The run's recipe with the files of this machine in place of those that were attached there."""
    recipe = request.recipe
    own: dict[str, Any] = {e.field: getattr(recipe, e.field) for e in needs(recipe) if e.is_path}
    return replace(run.recipe(), **own)
