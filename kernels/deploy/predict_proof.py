"""A predicting kernel run sealed before a push: on the visible test set, and on sets of other sizes.

Of the visible set its submission is the run's own, byte by byte. Other sets are made of labelled
images: none, one, a few, and many of which some have odd sizes and one is cut short. What rows of the
smaller sets get is what the same rows of the largest get.
"""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common.errors import KitError
from common.kaggle.machines import LONGEST_S
from common.kaggle.session import RunKernel, Session
from common.progress import counted, say
from common.storage import read_json, replacing, write_json
from common.workflow.files import open_files
from common.workflow.predicting.answer import answer
from common.workflow.predicting.levels import Clock
from common.workflow.request import Request
from kernels.build.predicting import BuiltPredictor
from kernels.build.spec import OWNER
from kernels.deploy.dry_run import LAYOUTS, PROOF, check_equal, difference, log_told, mounted
from kernels.deploy.hidden_sets import labelled_sets, lay_out_set, rows_of
from kernels.runtime.predict import REPORT, RERUN, SUBMISSION, UNTIMED

SIZES = (0, 1, 5)  # rows of hidden test sets, beside the largest
ALIKE = 1e-6  # how far a number may be off in a set of another size: batches differ


@dataclass(frozen=True)
class Sealed:
    """Where and how the proof's sessions run."""

    predictor: BuiltPredictor
    run_kernel: RunKernel
    place: str
    memory_mb: int

    def predicted(self, name: str, data: Path, *, hidden: bool) -> Path:
        """The submission that the kernel's script writes for these data.

        Raises:
            KitError: it failed, or left none.
        """
        built = self.predictor.built
        folder = built.folder / "dry-run" / name
        if folder.exists():
            shutil.rmtree(folder)
        working, log = folder / "working", folder / "log.jsonl"
        working.mkdir(parents=True)
        slug = self.predictor.dataset[0]
        session = Session(
            script=built.script,
            working=working,
            log=log,
            inputs={
                **mounted(self.place, data),
                f"datasets/{OWNER}/{slug}": built.folder / "inputs",
            },
            memory_mb=self.memory_mb,
            variables={RERUN if hidden else UNTIMED: "1"},
        )
        with log_told(log):
            ending = self.run_kernel(session)
        found = working / SUBMISSION
        # In a re-run the exit code says nothing: the report does, which is written last.
        whole = ending.status == "COMPLETE" and (working / REPORT).is_file()
        if not whole or not found.is_file():
            raise KitError(
                f"the dry run of {built.script} on {name} failed: "
                f"{ending.failure or 'it did not come to its end'} (its whole log: {log})"
            )
        return found


def prove_predicting(
    request: Request,
    predictor: BuiltPredictor,
    run_kernel: RunKernel,
    *,
    sample: int,
    layout: str,
    memory_mb: int,
) -> dict[str, Any]:
    """Run the kernel's script on the visible test set and on others, and compare what it writes.

    Args:
        sample: images of the largest of the others.

    Returns:
        `script layout rows seconds submission local equal sizes`.

    Raises:
        KitError: a run failed, or a submission is not what it has to be.
    """
    built, begun = predictor.built, time.perf_counter()
    _lay_out_dataset(predictor)
    place = LAYOUTS[layout].format(slug=request.competition.slug)
    sealed = Sealed(predictor, run_kernel, place, memory_mb)
    say(f"dry run of {built.script} with /kaggle/input/{place}: the visible test set")
    found = sealed.predicted("visible", request.data_folder, hidden=False)
    local, report = _local(request, predictor), read_json(found.with_name(REPORT))
    if len(report["levels"]) > 1 or sum(report["levels"].values()) < report["rows"]:
        raise KitError(
            f"the visible test set itself took too long for the kernel's limit, so that it fell back "
            f"({report['seconds']} s in the dry run): give it more time (--budget, --time-limit)"
        )
    facts = {
        "key": built.key,
        "script": str(built.script),
        "layout": place,
        "rows": report["rows"],
        "submission": str(found),
        "local": str(local),
        **difference(local, found),
    }
    near = report["unreadable"] and (facts.get("largest") or 1.0) <= ALIKE
    if not near:  # an image that cannot be read moves the others into other batches
        check_equal(facts)
    facts["sizes"] = _other_sizes(request, sealed, sample)
    facts["seconds"] = round(time.perf_counter() - begun, 1)
    write_json(built.folder / PROOF, facts)
    how = "byte for byte those of" if facts["equal"] else f"within {ALIKE:g} of those of"
    say(
        f"dry run: {counted(facts['rows'], 'row')}, {how} {local}, and hidden test sets of "
        f"{', '.join(map(str, facts['sizes']))} rows ({facts['seconds']} s)"
    )
    return facts


def _local(request: Request, predictor: BuiltPredictor) -> Path:
    """The submission that the kernel's has to be: the run's own, or where it does not predict just as the
    run did, what the same package predicts here."""
    if predictor.exact:
        return predictor.run / SUBMISSION
    folder = predictor.built.folder / "here"
    folder.mkdir(exist_ok=True)
    answer(
        request.competition,
        predictor.package,
        request.data_folder,
        folder / SUBMISSION,
        cache=request.cache,
        clock=Clock(LONGEST_S),
        levels=predictor.levels,
    )
    apart = difference(predictor.run / SUBMISSION, folder / SUBMISSION)
    much = f", by at most {apart['largest']:.2g}" if apart.get("largest") else ""
    say(
        f"the kernel's answers are not just those of {predictor.run.folder}: {apart.get('differing', 0):,} rows "
        f"of the visible test set are unlike its own{much}"
    )
    return folder / SUBMISSION


def _lay_out_dataset(predictor: BuiltPredictor) -> None:
    """The kernel's dataset as a folder, to be mounted."""
    with replacing(predictor.built.folder / "inputs") as temporary:
        temporary.mkdir()
        for name, path in predictor.files.items():
            shutil.copyfile(path, temporary / name)


def _other_sizes(request: Request, sealed: Sealed, sample: int) -> list[int]:
    """Predict hidden sets of several sizes; how many rows each had.

    Raises:
        KitError: a row is missing, or has another answer in another set.
    """
    files, folder = open_files(request), sealed.predictor.built.folder / "hidden"
    table, images = labelled_sets(files, sample)
    known, hidden = table[~table["hidden"]], table[table["hidden"]]
    answers: dict[int, pd.DataFrame] = {}
    for size in (*SIZES, len(hidden)):
        rows = [*known.index, *hidden.index[:size]]
        data = folder / f"rows-{size}"
        if data.exists():
            shutil.rmtree(data)
        some = [images[row] for row in rows]
        lay_out_set(request.competition, files.sample, table.loc[rows], some, data)
        say(f"dry run on a hidden test set of {counted(size, 'row')}")
        found = sealed.predicted(f"hidden-{size}", data, hidden=True)
        answers[size] = rows_of(found)
    largest = answers[len(hidden)]
    for size, found_rows in answers.items():
        _check_alike(found_rows, largest, size, request.competition.sample, folder / f"rows-{size}")
    return list(answers)


def _check_alike(
    rows: pd.DataFrame, largest: pd.DataFrame, size: int, sample: str, data: Path
) -> None:
    wanted = rows_of(data / sample)
    if list(rows.index) != list(wanted.index) or list(rows.columns) != list(wanted.columns):
        raise KitError(
            f"of a hidden test set of {size} rows the submission is not in its sample's order"
        )
    other = largest.loc[rows.index]
    for name in rows.columns:
        same = rows[name].to_numpy() == other[name].to_numpy()
        numbers = [pd.to_numeric(each[name], errors="coerce") for each in (rows, other)]
        close = (numbers[0] - numbers[1]).abs().to_numpy() <= ALIKE
        if not (same | close).all():
            row = rows.index[int(np.argmin(same | close))]
            raise KitError(
                f"{row} is predicted as {rows.loc[row, name]} in a hidden test set of {size} rows and as "
                f"{other.loc[row, name]} in one of {len(largest)}: a row's answer depends on the others"
            )
