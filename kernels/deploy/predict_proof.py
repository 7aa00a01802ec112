"""A predicting kernel run sealed before a push: on the visible test set, and on sets of other sizes.

Of the visible set its submission is the run's own, byte by byte. Other sets are made of labelled
images: none, one, a few, and many of which some have odd sizes and one is cut short. What rows of the
smaller sets get is what the same rows of the largest get.
"""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from common.competition import Competition
from common.data.archives.encoded_images import Encoded
from common.data.csv_rows import read_rows
from common.data.folds import sample_rows
from common.data.hidden_split import without_answers
from common.data.table import read_csv
from common.errors import KitError
from common.kaggle.session import RunKernel, Session
from common.progress import counted, say
from common.storage import read_json, replacing, write_json
from common.workflow.files import Files, open_files
from common.workflow.request import Request
from kernels.build.predicting import BuiltPredictor
from kernels.build.spec import OWNER
from kernels.deploy.dry_run import LAYOUTS, PROOF, check_equal, difference, log_told, mounted
from kernels.runtime.predict import REPORT, RERUN, SUBMISSION

SIZES = (0, 1, 5)  # rows of hidden test sets, beside the largest
ODD = ((37, 53), (1, 90), (211, 8))  # height and width of images in the largest
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
            variables={RERUN: "1"} if hidden else {},
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
    local, report = predictor.run / SUBMISSION, read_json(found.with_name(REPORT))
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
    table, images = _labelled(files, sample)
    known, hidden = table[~table["hidden"]], table[table["hidden"]]
    answers: dict[int, pd.DataFrame] = {}
    for size in (*SIZES, len(hidden)):
        rows = [*known.index, *hidden.index[:size]]
        data = folder / f"rows-{size}"
        if data.exists():
            shutil.rmtree(data)
        some = [images[row] for row in rows]
        _lay_out(request.competition, files.sample, table.loc[rows], some, data)
        say(f"dry run on a hidden test set of {counted(size, 'row')}")
        found = sealed.predicted(f"hidden-{size}", data, hidden=True)
        answers[size] = _rows(found)
    largest = answers[len(hidden)]
    for size, answer in answers.items():
        _check_alike(answer, largest, size, request.competition.sample, folder / f"rows-{size}")
    return list(answers)


def _labelled(files: Files, sample: int) -> tuple[pd.DataFrame, Sequence[bytes]]:
    """Labelled rows for hidden test sets: one of every class stays known, and the last ones are spoilt."""
    strata = files.target.strata(files.target.read(files.train))
    firsts = pd.Series(np.asarray(strata)).drop_duplicates().index.to_numpy()
    drawn = np.setdiff1d(sample_rows(strata, min(sample + len(firsts), len(strata)), 0), firsts)
    rows = np.concatenate([firsts, drawn])
    table = files.train.iloc[rows].reset_index(drop=True)
    encoded = Encoded(table["path"].tolist())
    images = [encoded[row] for row in range(len(table))]
    for at, (height, width) in enumerate(ODD, start=len(table) - 1 - len(ODD)):
        images[at] = _resized(images[at], height, width)
    images[-1] = images[-1][: len(images[-1]) // 2]
    hidden = np.arange(len(table)) >= len(firsts)
    return without_answers(table, files.target.columns, hidden), images


def _resized(image: bytes, height: int, width: int) -> bytes:
    pixels = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
    ending = ".png" if image.startswith(b"\x89PNG") else ".jpg"
    return bytes(cv2.imencode(ending, cv2.resize(pixels, (width, height)))[1].tobytes())


def _lay_out(
    competition: Competition,
    sample: pd.DataFrame,
    table: pd.DataFrame,
    images: Sequence[bytes],
    folder: Path,
) -> None:
    """Rows as the competition's own files; the sample has the visible one's columns, of every class."""
    with replacing(folder) as temporary:
        temporary.mkdir(parents=True)
        competition.lay_out(table.reset_index(drop=True), images, temporary)
        if competition.sample:
            path = temporary / competition.sample
            rows = _rows(path).reset_index()
            lacking = {name: sample[name].iloc[0] for name in sample.columns if name not in rows}
            rows.assign(**lacking)[list(sample.columns)].to_csv(path, index=False)


def _rows(path: Path) -> pd.DataFrame:
    """A submission by its ids; one without rows is empty."""
    header, rows = read_rows(path, (), None)
    frame = read_csv(path) if rows else pd.DataFrame({name: [] for name in header}, dtype=str)
    return frame.set_index(frame.columns[0])


def _check_alike(
    rows: pd.DataFrame, largest: pd.DataFrame, size: int, sample: str, data: Path
) -> None:
    wanted = _rows(data / sample)
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
