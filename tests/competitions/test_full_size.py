"""The competitions' own CSVs, whole: read, answered and checked; and a few of their real images."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import competitions
from common import submission
from common.data.table import check_table, read_csv
from common.targets import OneClass
from common.verbs import check
from common.workflow.request import Request

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
CSV = SHARED / "full-csv"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not CSV.is_dir(), reason="the shared files are not here"),
]


def folder_of(slug: str, place: Path) -> Path:
    """The CSVs under the names that they have in the download."""
    for path in (CSV / slug).iterdir():
        if path.suffix == ".gz":
            read_csv(path).to_csv(place / path.stem, index=False)
        else:
            (place / path.name).symlink_to(path.resolve())
    return place


def anonymous_mb() -> float:
    text = Path("/proc/self/status").read_text()
    return float(text.partition("RssAnon:")[2].split()[0]) / 1024


@pytest.mark.parametrize(
    ("name", "rows", "labels", "hidden"),
    [("dog_breed", 10_222, 120, 10_357), ("leaves", 18_353, 176, 8_800)],
)
def test_a_whole_submission_is_written_and_valid(
    name: str, rows: int, labels: int, hidden: int, tmp_path: Path
) -> None:
    competition = competitions.load(name)
    folder = folder_of(competition.slug, tmp_path)
    train = check_table(
        competition.read_train(folder), source="train", answers=["label"], named=True
    )
    test = check_table(competition.read_test(folder), source="test")
    assert (len(train), train["label"].nunique(), len(test)) == (rows, labels, hidden)
    sample = read_csv(folder / competition.sample)
    classes = sorted(train["label"].unique())
    probs = np.random.default_rng(0).dirichlet(np.ones(labels), hidden).astype(np.float32)
    order = np.random.default_rng(1).permutation(hidden)
    before, started = anonymous_mb(), time.perf_counter()
    target, ids = OneClass(names=tuple(classes)), test["id"].iloc[order].tolist()
    form = submission.format_of(target, competition.scored_by, sample)
    answer = submission.rows_of(form, target, sample, ids=ids, probs=probs[order])
    submission.write(tmp_path / "mine.csv", answer, sample, form)
    took, grown = time.perf_counter() - started, anonymous_mb() - before
    print(f"{name}: {hidden:,} rows in {took:.1f} s, {grown:.0f} MB more")
    back = read_csv(tmp_path / "mine.csv")
    assert submission.validate(back, sample, form) == []
    first = int(np.flatnonzero(test["id"] == back.iloc[0, 0])[0])
    best = (
        back.columns[1:][back.iloc[0, 1:].astype(float).argmax()]
        if labels == 120
        else back.iloc[0, 1]
    )
    assert best == classes[probs[first].argmax()]
    assert grown < 300


@pytest.mark.parametrize(
    ("name", "place", "train", "test"),
    [
        ("dog_breed", "dog-breed-identification", 300, 300),
        ("leaves", "classify-leaves-2016", 792, 792),
        ("folder", "hotdog", 385, 80),
        ("folder", "pizza_steak_sushi", 225, 75),
    ],
)
def test_check_reads_the_real_images(
    name: str, place: str, train: int, test: int, tmp_path: Path
) -> None:
    competition = competitions.load(name)
    request = Request(
        competition=competition,
        recipe_name=next(iter(competition.recipes)),
        data=SHARED / place,
        runs=tmp_path / "runs",
    )
    found = check.run(request)
    assert (found["train"], found["test"]) == (train, test)
    pairs = pd.read_csv(found["pairs"], dtype=str)
    assert len(pairs[pairs["kind"] == "same"]) == (1 if name == "dog_breed" else 0)
