"""What a predicting kernel left, as a run folder that `submit --kernel` takes, and how long it took there."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from common.errors import KitError
from common.kaggle.client import kernels
from common.progress import counted, say
from common.runs import Run, digest_file
from common.storage import read_json, replacing
from common.workflow.predicting.levels import Level
from common.workflow.predicting.timing import Timing
from common.workflow.request import Request
from kernels.build.predicting import BuiltPredictor
from kernels.deploy.dry_run import difference
from kernels.deploy.forecast import Forecast, told
from kernels.deploy.push import known, output_of
from kernels.runtime.manifest import read_manifest
from kernels.runtime.predict import REPORT, SUBMISSION

PREDICTED = "predicted"  # the kind of a run that a kernel predicted with another run's models
RESULTS = ("scores.json", "oof.npz", "predictions")
LIGHT = ("run.json", "classes.json", "target.json", "folds.csv", *RESULTS)  # no weights, no logs


def forecast_there(
    predictor: BuiltPredictor, before: Forecast, run: Run, output: Path, *, again: str
) -> None:
    """Say and keep how long the hidden rows take there, by what the kernel itself measured."""
    report = output / REPORT  # there is none where its time was over first
    facts = read_json(report).get("timing") if report.is_file() else None
    if not facts:
        return
    found = replace(before, timing=Timing.of(facts))
    level = (predictor.levels or [found.timing.levels[0].level])[0]
    seconds = found.seconds(level)
    run.note(forecast={"rows": found.rows, "seconds": round(seconds), "limit": found.limit})
    say(
        f"there ({found.timing.machine}) {counted(found.rows, 'hidden row')} take {told(seconds)} of "
        f"{told(found.limit)} with {level.text}"
    )
    if not found.fits(level):
        say(f"  that is too long, and it will fall back: `{again}` begins with what fits there")


def timed_there(folder: Path, levels: Sequence[Level]) -> Timing | None:
    """What the kernel's newest version with these levels that came back measured on Kaggle's machine.

    A run may have predicted with other views since: what was measured of others says nothing of them.
    """
    versions = [
        int(each["kernel"]["version"]) for each in known(folder).values() if each.get("kernel")
    ]
    reports = [output_of(folder, each) / REPORT for each in sorted(versions, reverse=True)]
    facts = [read_json(each).get("timing") for each in reports if each.is_file()]
    found = (Timing.of(each) for each in facts if each)
    alike = (each for each in found if [one.level for one in each.levels] == [*levels])
    return next(alike, None)


def imported(
    request: Request, predictor: BuiltPredictor, there: kernels.Pushed, output: Path
) -> Run:
    """A run folder for what the kernel wrote of the visible test set: what `submit --kernel` takes.

    Raises:
        KitError: the output is not what it lists, or holds no submission.
    """
    manifest, sent = read_manifest(output), output / SUBMISSION
    if manifest is None or not sent.is_file():
        raise KitError(
            f"version {there.version} of {there.url} left no {SUBMISSION}: look at its log"
        )
    stem, _, digits = predictor.run.folder.name.rpartition("-")
    kind = "notebook" if predictor.built.kernel.notebook else "predict"
    target = Run(request.runs / f"{stem}-{kind}-v{there.version}-{digits}")
    origin = asdict(there) | {
        "part": 1,
        "key": predictor.built.key,
        "pushed": known(predictor.built.folder)[predictor.built.key].get("time", ""),
        "run": predictor.run.folder.name,
        "finished": True,
        "words": [],
        "options": predictor.built.shape.given(),
        "submission": digest_file(sent),
        "visible": read_json(output / REPORT) if (output / REPORT).is_file() else {},
    }
    before = target.read().get("kernel")
    if before and (before["key"], before["pushed"]) != (origin["key"], origin["pushed"]):
        raise KitError(
            f"{target.folder} is of another kernel of that name and version: move it away"
        )
    if not before:
        with replacing(target.folder) as temporary:
            temporary.mkdir(parents=True)
            for name in LIGHT:
                path = predictor.run / name
                if path.is_dir():
                    shutil.copytree(path, temporary / name)
                elif path.is_file():
                    shutil.copyfile(path, temporary / name)
            shutil.copyfile(sent, temporary / SUBMISSION)
            facts = Run(temporary).read()
            kept = {name: value for name, value in facts.items() if not name.startswith("submi")}
            (temporary / "run.json").unlink()
            Run(temporary).note(**kept | {"kind": PREDICTED, "kernel": origin})
    _tell(predictor.run, sent, target)
    return target


def _tell(run: Run, sent: Path, target: Run) -> None:
    """Say how the kernel's submission differs from the run's own."""
    found = difference(run / SUBMISSION, sent)
    how = "byte for byte those of"
    if not found["equal"]:
        much = f", by at most {found['largest']:.2g}," if found.get("largest") else ""
        how = f"{found['differing']:,} of them{much} unlike those of"
    say(f"{target.folder}: the kernel's rows of the visible test set, {how} {run.folder}")
