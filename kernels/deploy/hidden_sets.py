"""Hidden test sets of a proof, made of labelled images: some of odd sizes, one cut short."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from common.competition import Competition
from common.data.archives.encoded_images import Encoded
from common.data.csv_rows import read_rows
from common.data.folds import sample_rows
from common.data.hidden_split import without_answers
from common.data.table import read_csv
from common.storage import replacing
from common.workflow.files import Files

ODD = ((37, 53), (1, 90), (211, 8))  # height and width of images in the largest


def labelled_sets(files: Files, sample: int) -> tuple[pd.DataFrame, Sequence[bytes]]:
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


def lay_out_set(
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
            rows = rows_of(path).reset_index()
            lacking = {name: sample[name].iloc[0] for name in sample.columns if name not in rows}
            rows.assign(**lacking)[list(sample.columns)].to_csv(path, index=False)


def rows_of(path: Path) -> pd.DataFrame:
    """A submission by its ids; one without rows is empty."""
    header, rows = read_rows(path, (), None)
    frame = read_csv(path) if rows else pd.DataFrame({name: [] for name in header}, dtype=str)
    return frame.set_index(frame.columns[0])
