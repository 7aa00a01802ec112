"""A competition's files: downloaded, unpacked, read into tables and checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common.competition import Competition
from common.data.archives.open_data import open_folder
from common.data.hidden_split import without_answers
from common.data.table import check_table, read_csv
from common.inference.evaluator import Evaluator, Weights
from common.kaggle import client
from common.progress import say
from common.runs import fingerprint
from common.storage import locked, replacing
from common.submission import Format, format_of
from common.targets import Target
from common.workflow.request import Request


@dataclass(frozen=True)
class Files:
    """A competition's files: folder, sample submission, all labelled rows, the target fitted to them,
    and what the cells of a submission are."""

    folder: Path
    sample: pd.DataFrame
    train: pd.DataFrame
    evaluator: Evaluator
    form: Format

    @property
    def target(self) -> Target:
        """What a row's answer is."""
        return self.evaluator.target

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the columns of probs."""
        return self.target.names


def open_files(request: Request) -> Files:
    """A request to its files: archives unpacked, tables and sample read, target fitted.

    Raises:
        KitError: files missing or broken, or labels that the sample submission does not know.
    """
    competition = request.competition
    folder = open_folder(request.data_folder, request.cache, packed=competition.packed)
    folder = data_root(folder, competition.sample)
    files = read_files(competition, folder)
    say(f"{request.data_folder}: {files.target.listed()}")
    return files


def read_files(competition: Competition, folder: Path) -> Files:
    """An unpacked folder to its tables and sample, checked, and the target fitted to them.

    Raises:
        KitError: answers that are not of the target's kind, that the sample does not know, or that the
            metric does not take.
    """
    sample, train = read_sample(competition, folder), competition.read_train(folder)
    target = competition.target
    answers = target.answer_columns(train)
    source = f"the training table of {folder}"
    train = check_table(train, answers=answers, named=target.named, source=source)
    name = competition.sample or "the sample submission"
    evaluator = Evaluator(target.fitted(train, sample, name), competition.scored_by)
    form = format_of(evaluator.target, evaluator.metric, sample, long=competition.long)
    some = evaluator.target.read(
        train.head(1000)
    )  # a wrong number of columns or weights shows here
    evaluator.metric.check(evaluator.target.truth(some, evaluator.metric.form))
    return Files(folder, sample, train, evaluator, form)


def fingerprint_of(
    table: pd.DataFrame, target: Target, digests: Sequence[str], names: Sequence[str]
) -> str:
    """The fingerprint of labelled rows: ids, answers, images, names, groups and weights."""
    more = [table[name].tolist() for name in ("group", "weight") if name in table]
    return fingerprint(table["id"].tolist(), target.texts(table), digests, names, *more)


def weights_of(table: pd.DataFrame) -> Weights | None:
    """The row weights [N] that scores count by; None where the table has none."""
    return np.asarray(table["weight"], dtype=np.float64) if "weight" in table else None


def data_root(folder: Path, sample: str) -> Path:
    """A folder to the one with the sample submission: itself, or the only one below it."""
    if not sample or (folder / sample).is_file():
        return folder
    below = [
        path.parent
        for deep in ("*", "*/*")
        for path in sorted(folder.glob(f"{deep}/{sample}"))
        if not any(part.startswith((".", "__MACOSX")) for part in path.relative_to(folder).parts)
    ]
    if len(below) != 1:
        return folder
    say(f"{folder}: the files lie in its folder {below[0].relative_to(folder)}, which is entered")
    return below[0]


def read_sample(competition: Competition, folder: Path) -> pd.DataFrame:
    """A competition's folder to its sample submission as text, read or made by `make_sample`."""
    if competition.make_sample is not None:
        return competition.make_sample(folder)
    return read_csv(folder / competition.sample)


def read_test(request: Request, folder: Path) -> pd.DataFrame:
    """A folder to the checked test table; empty without a test set."""
    test = request.competition.read_test(folder)
    if test.empty and request.competition.make_sample is not None:
        return test
    return check_table(test, source=f"the test set of {folder}")


def fetch(request: Request) -> dict[str, Any]:
    """Download the archive into the data folder, unless it is complete."""
    folder, slug = request.data_folder, request.slug
    archive = client.download(slug, folder)
    return {"data": str(folder), "archive": str(archive)}


def fetch_files(request: Request, names: Sequence[str]) -> dict[str, Any]:
    """Download some files of a competition into the data folder; patterns such as '*.csv' too."""
    folder = request.data_folder
    found = client.download_files(request.slug, names, folder)
    return {"data": str(folder), "files": [str(path) for path in found]}


def lay_out(request: Request) -> dict[str, Any]:
    """Write an embedded data set into the data folder, unless it is there."""
    folder = request.data_folder
    with locked(folder):
        if holds_files(folder):
            say(f"{folder}: there already; delete it to have it written anew")
        else:
            lay_out_embedded(request)
    return {"data": str(folder)}


def fetch_if_absent(request: Request) -> None:
    """Fetch into the default place when nothing is there; a folder that was named must exist.

    A download that was cut off leaves hidden files only, and is fetched again.
    """
    if request.data is None and not holds_files(request.data_folder):
        (lay_out if request.competition.embedded else fetch)(request)


def holds_files(folder: Path) -> bool:
    """Is there anything in the folder but hidden files?"""
    return folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir())


def lay_out_embedded(request: Request) -> None:
    """Write an embedded data set in the competition's own layout, whole."""
    competition = request.competition
    assert competition.embedded is not None
    found = competition.embedded()
    answers = competition.target.answer_columns(found.table)
    table = without_answers(found.table, answers, found.table["hidden"])
    with replacing(request.data_folder) as temporary:
        temporary.mkdir()
        competition.lay_out(table, found.images, temporary)
    hidden = int(found.table["hidden"].sum())
    say(
        f"{request.data_folder}: {len(table) - hidden:,} labelled and {hidden:,} hidden images of "
        f"{competition.title}, as the competition lays them out"
    )
