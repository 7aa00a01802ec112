"""The ledger: nothing lost between processes, nothing tolerated silently, each metric's direction."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common import ledger
from common.ledger import Entry

ROOT = Path(__file__).parents[2]
PLAIN = Entry(
    time="2026-01-02T03:04:05+00:00",
    competition="petals",
    run="petals-quick-0a1b2c3d",
    recipe="quick",
    metric="accuracy",
    cv=0.9,
    cv_sd=0.01,
    public=0.91,
    private=None,
    file="00e7",
    ref=7,
)

WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from common import ledger
from tests_entry import PLAIN
for number in range(25):
    ledger.record(Path(sys.argv[1]), replace(PLAIN, ref=number, run=sys.argv[2]))
"""


def test_what_is_recorded_is_read_back_to_the_last_bit(tmp_path: Path) -> None:
    path = tmp_path / "runs" / ledger.NAME
    entries = [PLAIN, replace(PLAIN, ref=8, cv=1 / 3, cv_sd=None, public=0.1 + 0.2, recipe="a, b")]
    for entry in entries:
        ledger.record(path, entry)
    assert ledger.read(path) == entries
    assert ledger.read(path)[0].file == "00e7"  # text, not a number
    assert not list(path.parent.glob("*.tmp"))


def test_a_submission_has_one_row_however_often_its_score_arrives(tmp_path: Path) -> None:
    path = tmp_path / ledger.NAME
    ledger.record(path, PLAIN)
    ledger.record(path, replace(PLAIN, private=0.89))
    assert [entry.private for entry in ledger.read(path)] == [0.89]
    ledger.record(path, replace(PLAIN, time="2026-01-02T03:04:06+00:00"))
    assert len(ledger.read(path)) == 2


def test_a_ledger_from_before_there_was_a_status_holds_scored_submissions(tmp_path: Path) -> None:
    path = tmp_path / ledger.NAME
    ledger.record(path, PLAIN)
    path.write_text(path.read_text().replace(",status", "").replace(",complete", ""))
    assert ledger.read(path) == [PLAIN]
    pending = replace(PLAIN, ref=8, public=None, status="pending")
    ledger.record(path, pending)
    assert ledger.read(path) == [PLAIN, pending]


def test_two_processes_at_once_lose_no_row(tmp_path: Path) -> None:
    path = tmp_path / ledger.NAME
    (tmp_path / "tests_entry.py").write_text(
        f"from common.ledger import Entry\nPLAIN = {PLAIN!r}\n"
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), name],
            env={"PYTHONPATH": f"{ROOT}:{tmp_path}"},
        )
        for name in ("one", "two")
    ]
    assert [writer.wait() for writer in writers] == [0, 0]
    rows = {(entry.run, entry.ref) for entry in ledger.read(path)}
    assert rows == {(name, number) for name in ("one", "two") for number in range(25)}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("time,competition", "when,competition", "does not begin with the columns"),
        ("0.9,0.01", "0.9,nought", "row 2, cv_sd: 'nought' is no number"),
        ("0.9,0.01", "nan,0.01", "row 2, cv: 'nan' is no number"),
        ("accuracy", "luck", "has the metric 'luck'"),
        (",00e7,7", ",00e7", "row 2 has 11 values, not 12"),
        (",00e7,7", ",00e7,seven", "has the ref 'seven'"),
        ("petals-quick-0a1b2c3d", "", "row 2 has no run"),
        ("2026-01-02", "yesterday ", "row 2 has the time"),
        ("complete", "done", "has the status 'done'"),
    ],
)
def test_a_damaged_ledger_is_an_error_and_stays_as_it_is(
    old: str, new: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / ledger.NAME
    ledger.record(path, PLAIN)
    damaged = path.read_text().replace(old, new)
    path.write_text(damaged)
    for call in (ledger.read, lambda path: ledger.record(path, PLAIN)):
        with pytest.raises(ValueError, match=words):
            call(path)
    assert path.read_text() == damaged


def test_a_row_that_is_there_twice_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / ledger.NAME
    ledger.record(path, PLAIN)
    path.write_text(path.read_text() + path.read_text().splitlines()[1] + "\n")
    with pytest.raises(ValueError, match="row 3 repeats submission 7"):
        ledger.read(path)


def test_empty_lines_that_an_editor_left_are_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "ledger.csv"
    ledger.record(path, PLAIN)
    path.write_text(path.read_text() + "\n\n")
    assert ledger.read(path) == [PLAIN]


def test_gain_and_best_know_the_metrics_direction() -> None:
    higher = replace(PLAIN, cv=0.9, public=0.8, private=0.95)
    lower = replace(higher, metric="log_loss")
    assert higher.gain == pytest.approx(0.05)
    assert lower.gain == pytest.approx(-0.05)
    other = replace(lower, run="other", cv=0.2, private=0.3)
    assert ledger.best([lower, other], "leaderboard") is other
    assert ledger.best([higher, replace(other, metric="accuracy")], "cv") is higher
    assert ledger.best([], "cv") is None
    assert replace(PLAIN, public=None).gain is None


def test_scores_by_another_metric_than_the_newest_are_not_compared_with_it() -> None:
    old = replace(PLAIN, metric="log_loss", cv=2.3, public=2.4)
    new = replace(PLAIN, time="2030-01-01T00:00:00+00:00", metric="accuracy", cv=0.7, ref=99)
    assert ledger.alike([new, old]) == [new]
    assert ledger.best([new, old], "cv") is new


def scored(pairs: list[tuple[float, float]]) -> list[Entry]:
    return [
        replace(PLAIN, ref=number, file=str(number), cv=cv, public=board)
        for number, (cv, board) in enumerate(pairs)
    ]


@pytest.mark.parametrize(
    ("pairs", "answer"),
    [
        ([(0.1, 0.2), (0.2, 0.3)], None),
        ([(0.1, 0.2), (0.2, 0.3), (0.3, 0.9)], 1.0),
        ([(0.1, 0.9), (0.2, 0.3), (0.3, 0.2)], -1.0),
        ([(0.1, 0.5), (0.2, 0.5), (0.3, 0.5)], None),
    ],
)
def test_rank_correlation_needs_three_files_and_a_difference(pairs: Any, answer: Any) -> None:
    assert ledger.rank_correlation(scored(pairs)) == pytest.approx(answer)


def test_one_file_sent_often_counts_once_in_the_rank_correlation() -> None:
    entries = scored([(0.1, 0.2), (0.2, 0.3)])
    again = [replace(entries[0], ref=9, time="2026-02-02T00:00:00+00:00")] * 2
    assert ledger.rank_correlation(entries + again) is None
