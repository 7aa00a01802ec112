"""The ledger: a CSV with one row a submission, its CV score and its leaderboard scores."""

import csv
import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock

from common.errors import KitError
from common.metrics import metric_named
from common.storage import replacing

NAME = "ledger.csv"
STATUSES = ("pending", "complete", "error")
FEWEST = 3  # submissions for which a rank correlation is printed


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One submission.

    Attributes:
        time: when it was sent: UTC, ISO 8601.
        run: the run folder's name.
        metric: a name that `common.metrics.metric_named` knows; it says which of two scores is better.
        cv, cv_sd: mean and sample standard deviation over folds; None without cross-validation.
        public, private: leaderboard scores; None if not published.
        file: the digest of the submitted file.
        ref: the submission's number.
        status: "pending" until the score or an error is known.
    """

    time: str
    competition: str
    run: str
    recipe: str
    metric: str
    cv: float | None
    cv_sd: float | None
    public: float | None
    private: float | None
    file: str
    ref: int
    status: str = "complete"

    @property
    def key(self) -> tuple[str, str, str, int]:
        """The submission's identity; a restarted local Kaggle reuses refs."""
        return self.competition, self.run, self.time, self.ref

    @property
    def leaderboard(self) -> float | None:
        """The private score, else the public one."""
        return self.public if self.private is None else self.private

    @property
    def gain(self) -> float | None:
        """How much better the leaderboard score is than the CV, in the metric's unit; negative: worse."""
        if self.leaderboard is None or self.cv is None:
            return None
        apart = self.leaderboard - self.cv
        return apart if metric_named(self.metric).higher_is_better else -apart


COLUMNS = tuple(each.name for each in fields(Entry))
NUMBERS = ("cv", "cv_sd", "public", "private")


def record(path: Path, entry: Entry) -> None:
    """Add a submission, or replace its row, under a file lock.

    Raises:
        KitError: the ledger is damaged or cannot be written; it stays as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_name(f".{path.name}.lock"))
        lock.acquire()
    except OSError as error:
        raise KitError(f"cannot write {path}: {error.strerror}; make it writable") from error
    try:
        kept = [each for each in read(path) if each.key != entry.key]
        _write(path, [*kept, entry])
    finally:
        lock.release()


def _write(path: Path, entries: Sequence[Entry]) -> None:
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(
            ["" if value is None else value for value in astuple(entry)] for entry in entries
        )


def read(path: Path) -> list[Entry]:
    """A ledger's path to its submissions in order; none if there is no file.

    Raises:
        KitError: wrong header, an invalid row, or a submission that occurs twice.
    """
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, strict=True))
    except (csv.Error, UnicodeDecodeError, OSError) as error:
        raise KitError(f"{path} is no readable CSV file ({error}): bring it back") from error
    header = tuple(rows[0]) if rows else ()
    if header not in (COLUMNS, COLUMNS[:-1]):  # scored rows alone were entered once, without status
        raise KitError(
            f"{path} does not begin with the columns {','.join(COLUMNS)}: bring the ledger back, or "
            "move it away to begin a new one"
        )
    entries = {  # an editor may leave empty lines
        number: _entry(header, row, f"{path}, row {number}")
        for number, row in enumerate(rows[1:], 2)
        if row
    }
    seen: set[object] = set()
    for number, entry in entries.items():
        if entry.key in seen:
            raise KitError(f"{path}, row {number} repeats submission {entry.ref}: remove one")
        seen.add(entry.key)
    return [*entries.values()]


def _entry(header: Sequence[str], row: Sequence[str], where: str) -> Entry:
    if len(row) != len(header):
        raise KitError(f"{where} has {len(row)} values, not {len(header)}: correct it")
    found = dict(zip(header, row, strict=True))
    for name in ("time", "competition", "run", "recipe", "file"):
        if not found[name].strip():
            raise KitError(f"{where} has no {name}: fill it in")
    try:
        metric_named(found["metric"])
    except KitError as error:
        raise KitError(f"{where} has the metric {found['metric']!r}: {error}") from error
    if not found["ref"].isdecimal():
        raise KitError(f"{where} has the ref {found['ref']!r}, which is no number: correct it")
    if found.get("status", "complete") not in STATUSES:
        raise KitError(
            f"{where} has the status {found['status']!r}: there are {', '.join(STATUSES)}"
        )
    try:
        datetime.fromisoformat(found["time"])
    except ValueError as error:
        raise KitError(f"{where} has the time {found['time']!r}: write it as ISO 8601") from error
    values: dict[str, Any] = found | {"ref": int(found["ref"])}
    values |= {name: _number(found[name], f"{where}, {name}") for name in NUMBERS}
    return Entry(**values)


def _number(text: str, where: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise KitError(f"{where}: {text!r} is no number; correct it, or leave it empty")
    return value


def alike(entries: Sequence[Entry]) -> list[Entry]:
    """Those scored by the newest entry's metric; scores of others cannot be compared with them."""
    newest = max(entries, key=lambda entry: entry.time, default=None)
    return [entry for entry in entries if newest and entry.metric == newest.metric]


def best(entries: Sequence[Entry], score: str) -> Entry | None:
    """The entry with the best `score` ("cv", "leaderboard") of the newest metric's."""
    scored = [entry for entry in alike(entries) if getattr(entry, score) is not None]
    if not scored:
        return None
    higher = metric_named(scored[0].metric).higher_is_better
    return (max if higher else min)(scored, key=lambda entry: float(getattr(entry, score)))


def scored_files(entries: Sequence[Entry]) -> dict[tuple[str, str], tuple[float, float]]:
    """Every submission file with both scores to its CV and leaderboard score, by run and digest."""
    return {
        (entry.run, entry.file): (entry.cv, entry.leaderboard)
        for entry in entries
        if entry.cv is not None and entry.leaderboard is not None
    }


def rank_correlation(entries: Sequence[Entry]) -> float | None:
    """Spearman's rank correlation of CV and leaderboard score over different submission files.

    None for fewer than three files, or if all scores are equal.
    """
    ranks = pd.DataFrame(list(scored_files(entries).values()), columns=["cv", "leaderboard"]).rank()
    if len(ranks) < FEWEST or ranks["cv"].nunique() < 2 or ranks["leaderboard"].nunique() < 2:
        return None
    return float(ranks["cv"].corr(ranks["leaderboard"]))
