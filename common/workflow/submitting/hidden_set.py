"""A competition on the local Kaggle made a code competition: a small visible test set, all of it hidden."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from common.competition import Competition
from common.data.archives.encoded_images import Encoded
from common.data.hidden_split import without_answers
from common.kaggle.server.hosted import Hosted
from common.progress import say
from common.storage import locked, replacing
from common.workflow.files import read_files

VISIBLE = "visible"  # the folder of what kernels see, beside that of all files
SHARE = 10  # one row of so many of the test set is visible, and two at least


def as_code_competition(hosted: Hosted, competition: Competition, place: Path) -> Hosted:
    """The same competition, taking kernels alone: they see the files in `place` (written if absent).

    A kernel that is submitted is run again on the whole test set, which is scored.
    """
    with locked(place):
        if not place.is_dir():
            _write_visible(hosted.files, competition, place)
    return replace(hosted, files=place, hidden=hosted.files, code_only=True)


def _write_visible(whole: Path, competition: Competition, place: Path) -> None:
    """The competition's own files with some rows of the test set, drawn."""
    files, test = read_files(competition, whole), competition.read_test(whole)
    shown = test.sample(n=min(len(test), max(2, len(test) // SHARE)), random_state=0)
    rows = pd.concat([files.train, shown], ignore_index=True)
    hidden = rows.index >= len(files.train)
    with replacing(place) as temporary:
        temporary.mkdir(parents=True)
        table = without_answers(rows, files.target.columns, hidden)
        competition.lay_out(table, Encoded(rows["path"].tolist()), temporary)
    say(
        f"{place}: {len(shown):,} of the {len(test):,} images of the test set are visible, all are hidden"
    )
