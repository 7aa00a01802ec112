"""What the pushed script does on Kaggle's machine: find the inputs, run the kit, leave its run as output.

It is told what to do by the facts in the script, and calls the same entry point as a laptop.
"""

import json
import os
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from common.errors import KitError
from common.progress import first_of
from kernels.runtime import inputs
from kernels.runtime.manifest import MANIFEST, write_manifest

MARGIN_S = 120.0  # before the time limit, to stop in order; of limits below 20 minutes a tenth,
LEAST_MARGIN_S = 15.0  # but this much, or of very short ones a third
STOPPED = 130  # the command line's exit code after an interrupt
MORE_WORDS = "KIT_KERNEL_WORDS"  # JSON: recipe words of a dry run, in place of the script's own


def run(facts: Mapping[str, Any], kit: Callable[[Sequence[str]], int]) -> int:
    """Do what the script says; the exit code is 0 when its run is finished, or can be resumed.

    Args:
        facts: `competition`, `slug`, `sample`, `recipe`, `words`, `flags`, `seconds` (the limit), and
            `goes_on`, the name of the run to resume, where another kernel has left one.
        kit: the command line.
    """
    begun = time.monotonic()
    root = Path(os.environ.get("KIT_KAGGLE_ROOT", "/kaggle"))
    runs = Path.cwd() / "runs"
    with tempfile.TemporaryDirectory(prefix="kit-scratch-") as scratch:
        try:
            words = _prepared(facts, root / "input", Path(scratch))
            if "goes_on" in facts:
                taken_up(facts["goes_on"], root / "input", runs)
        except KitError as error:
            print(f"kit: {error}", file=sys.stderr)
            return 1
        with _interrupted_after(float(facts["seconds"]), begun):
            code = kit(
                [
                    facts["competition"],
                    "run",
                    *words,
                    *facts["flags"],
                    "--runs",
                    str(runs),
                    "--json",
                ]
            )
    run_folder = _latest(runs)
    if run_folder is not None:
        _leave(run_folder, Path.cwd(), finished=code == 0)
    if code == STOPPED and run_folder is not None:
        print(
            f"out of time after {time.monotonic() - begun:,.0f} s; the run is kept and another kernel "
            f"resumes it: kit {facts['competition']} kernel --continue"
        )
        return 0
    return code


def _prepared(facts: Mapping[str, Any], attached: Path, scratch: Path) -> list[str]:
    """The words of the call: the script's own, and what the attached inputs add to them."""
    packages = inputs.find_attached(attached)
    if packages is not None:
        inputs.install_wheels(packages, scratch / "wheels")
    inputs.check_versions()
    data = inputs.known(attached, facts["slug"], facts["sample"])
    os.environ["KIT_CACHE"] = str(scratch / "cache")  # what is unpacked is no output
    given = os.environ.get(MORE_WORDS)
    own = json.loads(given) if given else facts["words"]
    found = inputs.words_of(packages, scratch / "weights") if packages is not None else []
    said = {word.partition("=")[0] for word in own}  # a dry run on a sample says some for itself
    found = [word for word in found if word.partition("=")[0] not in said]
    words = ["--recipe", facts["recipe"], *own, *found, "--data", str(data)]
    print(f"kit {facts['competition']} run {shlex.join(words)}", flush=True)
    return words


def taken_up(name: str, attached: Path, runs: Path) -> None:
    """Copy the run of this name, which an attached kernel has left, so that it is resumed.

    Raises:
        KitError: it is not there: Kaggle attaches a kernel's newest version, whichever that is.
    """
    found = {path.parent.name: path.parent for path in inputs.runs_of(attached)}
    if name not in found:
        raise KitError(
            f"the run {name} is to be resumed, and below {attached} is {first_of([*found]) or 'no run'}: "
            "the kernel that left it has a newer version by now, or its output is not kept"
        )
    print(f"resuming {found[name]}", flush=True)
    place = runs / name
    shutil.copytree(found[name], place, dirs_exist_ok=True)
    for path in (place, *place.rglob("*")):  # they were read-only there
        path.chmod(0o755 if path.is_dir() else 0o644)


@contextmanager
def _interrupted_after(seconds: float, begun: float) -> Iterator[None]:
    """Interrupt the block as Ctrl-C does, some time before the limit ends the kernel for good."""

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    left = seconds - margin_of(seconds) - (time.monotonic() - begun)
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, max(left, 0.1))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def margin_of(seconds: float) -> float:
    """How long before a limit a kernel stops in order."""
    return min(MARGIN_S, max(seconds / 10, min(LEAST_MARGIN_S, seconds / 3)))


def _latest(runs: Path) -> Path | None:
    """The run that was worked on last."""
    found = sorted(runs.glob("*/run.json"), key=lambda path: path.stat().st_mtime_ns)
    return found[-1].parent if found else None


def _leave(run: Path, working: Path, *, finished: bool) -> None:
    """Make the run the output: its submission beside it, a list of all files with their digests."""
    for name in (".lock", "owner"):
        (run / name).unlink(missing_ok=True)
    if finished and (run / "submission.csv").is_file():
        shutil.copyfile(run / "submission.csv", working / "submission.csv")
    write_manifest(working, run.name, finished=finished)
    print(f"{MANIFEST}: {run.name}, {'finished' if finished else 'not finished'}", flush=True)
