"""The host's leaderboard: the account's best submission among the other teams."""

import csv
import io
from collections.abc import Sequence
from typing import Any
from zipfile import ZipFile

from common.kaggle.server.hosted import Hosted
from common.kaggle.server.submissions import Entry
from common.kaggle.server.wire import stamp
from common.metrics import metric_named


def board(
    hosted: Hosted, entries: Sequence[Entry], team: str, *, private: bool
) -> list[dict[str, Any]]:
    """The rows of GetLeaderboard, best first; submissions after the deadline do not rank."""
    higher = metric_named(hosted.metric).higher_is_better
    rows = [(name, scores[private], hosted.deadline) for name, *scores in hosted.board]
    own = [
        (team, entry.private if private else entry.public, entry.when)
        for entry in entries
        if entry.status == "COMPLETE" and entry.when <= hosted.deadline
    ]
    own = [row for row in own if row[1] is not None]
    by_score = (max if higher else min)(own, key=lambda row: row[1] or 0.0, default=None)
    found = sorted([*rows, *filter(None, [by_score])], key=lambda row: row[1] or 0.0)
    return [
        {
            "teamId": 1 if name == team else 2 + number,
            "teamName": name,
            "submissionDate": stamp(when),
            "score": f"{score:.5f}",
        }
        for number, (name, score, when) in enumerate(reversed(found) if higher else found)
    ]


def packed(slug: str, rows: Sequence[dict[str, Any]]) -> bytes:
    """The rows as the zip that DownloadLeaderboard answers."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["Rank", "TeamId", "TeamName", "LastSubmissionDate", "Score"])
    for rank, row in enumerate(rows, 1):
        table.writerow([rank, row["teamId"], row["teamName"], row["submissionDate"], row["score"]])
    whole = io.BytesIO()
    with ZipFile(whole, "w") as archive:
        archive.writestr(f"{slug}-publicleaderboard.csv", text.getvalue())
    return whole.getvalue()
