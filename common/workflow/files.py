"""A competition's files: unpacked, read and checked."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from common.competition import Competition
from common.data.archives import open_folder
from common.data.classes import classes_of
from common.data.table import check_table, read_csv
from common.workflow.request import Request


@dataclass(frozen=True)
class Files:
    """The files of a competition: every labelled row, before any sample of them is taken."""

    folder: Path
    sample: pd.DataFrame
    train: pd.DataFrame
    classes: tuple[str, ...]


def open_files(request: Request) -> Files:
    """Unpack what is packed, read the tables and the sample, and settle the classes.

    Raises:
        ValueError: files missing or broken, or labels that the sample submission does not know.
    """
    competition = request.competition
    folder = open_folder(request.data_folder, request.cache, packed=competition.packed)
    source = f"the training table of {folder}"
    train = check_table(competition.read_train(folder), labelled=True, source=source)
    sample = read_sample(competition, folder)
    classes = classes_of(sample, train["label"], folder / competition.sample)
    return Files(folder, sample, train, classes)


def read_sample(competition: Competition, folder: Path) -> pd.DataFrame:
    """The sample submission, text: the competition's file, or what it makes of a folder without one."""
    if competition.make_sample is not None:
        return competition.make_sample(folder)
    return read_csv(folder / competition.sample)


def read_test(request: Request, folder: Path) -> pd.DataFrame:
    """The checked test table; empty where the data set has no test set."""
    test = request.competition.read_test(folder)
    if test.empty and request.competition.make_sample is not None:
        return test
    return check_table(test, labelled=False, source=f"the test set of {folder}")
