"""What a predicting kernel does on Kaggle's machine: a valid submission.csv first, then better ones.

The predicting is done by a child process, so that one which is killed, hangs or crashes leaves what was
written. In Kaggle's re-run on the hidden test set nothing but that file counts.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from common.errors import KitError
from common.workflow.predicting.levels import AIMED, Clock, Level
from common.workflow.predicting.mean_rows import PREDICTOR, write_mean
from kernels.runtime import inputs
from kernels.runtime.main import margin_of
from kernels.runtime.manifest import write_manifest

RERUN = "KAGGLE_IS_COMPETITION_RERUN"
UNTIMED = "KIT_UNTIMED"  # of a dry run, whose times count nowhere
SUBMISSION, REPORT = "submission.csv", "kit-predicted.json"
CHILD = """
import json, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell ignores it
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import competitions
from kernels.runtime.predict import predict
sys.exit(predict(json.loads(sys.argv[2]), competitions.load, float(sys.argv[3])))
"""


def run(facts: Mapping[str, Any], code: str) -> int:
    """Predict the test set that is attached, within `facts["seconds"]`; the exit code of the kernel.

    In a re-run it is 0 whenever there is a submission.csv, for Kaggle scores that one.

    Args:
        facts: `competition slug sample run seconds levels timed`, plain values.
        code: the folder of the kit's code.
    """
    begun, out = time.monotonic(), Path.cwd() / SUBMISSION
    _begin(facts, out)
    since = time.time() - (time.monotonic() - begun)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, code, json.dumps(dict(facts)), str(since)]
    )
    seconds = float(facts["seconds"])
    margin = margin_of(seconds)
    late = ""
    for sent, until in ((signal.SIGINT, seconds - margin), (signal.SIGKILL, seconds - margin / 4)):
        try:
            child.wait(max(0.1, until - (time.monotonic() - begun)))
            break
        except subprocess.TimeoutExpired:
            late = f"stopped after {time.monotonic() - begun:,.0f} s, before the limit of {seconds:g} s"
            child.send_signal(sent)
    ended = child.wait()
    try:
        write_manifest(Path.cwd(), facts["run"], finished=ended == 0)
    except OSError as error:  # a full disk: the submission is there all the same
        print(f"kit: the list of the output could not be written ({error})", flush=True)
        ended = ended or 1
    if ended == 0 or not out.is_file():
        return ended
    what = late or (f"killed by signal {-ended}" if ended < 0 else f"ended with code {ended}")
    print(
        f"kit: the predicting was {what}; {SUBMISSION} is what it had written until then",
        flush=True,
    )
    return 0 if late or os.environ.get(RERUN) else 1


def planned(seconds: float) -> float:
    """The seconds of a limit that predicting plans with: not those after the interrupt."""
    return min(AIMED * seconds, seconds - margin_of(seconds))


def _begin(facts: Mapping[str, Any], out: Path) -> None:
    """The sample, then the mean prediction in every row: valid submissions before anything that can fail."""
    try:
        sample = inputs.known(_input(), facts["slug"], facts["sample"]) / facts["sample"]
        shutil.copyfile(sample, out)
        mean = _mean()
        if mean is not None:
            count = write_mean(sample, mean["cells"], mean["long"], out)
            print(f"{out}: {count:,} rows with the mean prediction", flush=True)
    except (KitError, OSError, ValueError, LookupError) as error:  # the child says what is wrong
        print(f"kit: not more than the sample to begin with ({error})", flush=True)


def _mean() -> Any:
    """The mean prediction as the attached package tells it; None: there is none."""
    attached = inputs.find_attached(_input())
    items = inputs.items(attached) if attached else []
    for row in (row for item in items if item["kind"] == inputs.RUN for row in item["files"]):
        if attached and row["path"] == PREDICTOR:
            return json.loads((attached / row["name"]).read_text(encoding="utf-8"))["mean"]
    return None


def predict(facts: Mapping[str, Any], load: Callable[[str], Any], since: float) -> int:
    """Predict in this process, with the attached package.

    Args:
        load: a competition by its name.
        since: when the kernel began (`time.time`).
    """
    try:
        with tempfile.TemporaryDirectory(prefix="kit-scratch-") as scratch:
            _predict(facts, load, time.monotonic() - (time.time() - since), Path(scratch))
    except KitError as error:
        print(f"kit: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _predict(
    facts: Mapping[str, Any], load: Callable[[str], Any], begun: float, scratch: Path
) -> None:
    attached = inputs.find_attached(_input())
    if attached is None:
        raise KitError(
            f"the dataset with the models is not attached (below {_input()}): add it to the inputs"
        )
    inputs.install_wheels(attached, scratch / "wheels")
    inputs.check_versions()
    inputs.words_of(attached, scratch / "weights")  # repositories of the hub
    package = scratch / "package"
    for item in inputs.items(attached):
        if item["kind"] == inputs.RUN:
            inputs.lay_out(attached, item, package)
    data = inputs.known(_input(), facts["slug"], facts["sample"])
    os.environ["KIT_CACHE"] = str(scratch / "cache")
    # The packages have been looked at by now.
    from common.workflow.predicting.answer import answer

    competition, cache = load(facts["competition"]), scratch / "cache"
    clock = Clock(planned(float(facts["seconds"])) / AIMED, begun)
    told = answer(
        competition,
        package,
        data,
        Path.cwd() / SUBMISSION,
        cache=cache,
        clock=clock,
        levels=[Level(*each) for each in facts["levels"]],
    )
    told["limit"] = float(facts["seconds"])
    _report(told)
    # The visible test set may have three rows: how long the hidden one will take is measured for itself.
    here = not (os.environ.get(RERUN) or os.environ.get(UNTIMED))
    if facts["timed"] and here and clock.left > 0:
        _report(told | {"timing": timing_of(competition, package, data, cache)})


def timing_of(competition: Any, package: Path, data: Path, cache: Path) -> dict[str, Any] | None:
    """What `timed` tells; None where it fails: the submission is written, and this only measures."""
    from common.workflow.predicting.timing import timed

    try:
        found = timed(competition, package, data, cache=cache)
    except Exception:
        traceback.print_exc()
        print("how long the hidden rows take is not known: measuring it failed", flush=True)
        return None
    return found.facts() if found else None


def _report(told: Mapping[str, Any]) -> None:
    (Path.cwd() / REPORT).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _input() -> Path:
    return Path(os.environ.get("KIT_KAGGLE_ROOT", "/kaggle")) / "input"
