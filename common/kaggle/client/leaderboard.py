"""A competition's leaderboard, read to its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.kaggle.client.competition_status import ASKING, parse_score
from common.kaggle.client.retry import Environment, call
from common.progress import say

MOST_TEAMS = 1_000_000  # of a board that goes on for ever


@dataclass(frozen=True)
class Place:
    """One row of a leaderboard; `score` is None where the site shows none."""

    rank: int
    team: str
    score: float | None
    date: str


@dataclass(frozen=True)
class Board:
    """A leaderboard, best first; `whole`: was it read to its end? Else it has at least these."""

    rows: list[Place]
    whole: bool


def leaderboard(slug: str, *, environment: Environment = None) -> list[Place]:
    """The rows of `board`."""
    return board(slug, environment=environment).rows


def board(slug: str, *, environment: Environment = None) -> Board:
    """The leaderboard, best first: the public one, or the final one once the site shows it.

    A team is in it once, however often the server repeats it. Nothing is written to disk (the
    client's own download lands on the data's archive).
    """
    rows: dict[str, Mapping[str, Any]] = {}
    request, following = {"operation": "leaderboard", "slug": slug}, ""
    while True:
        found = call(request | {"token": following}, ASKING, environment)
        new = {row["key"]: row for row in found["rows"] if row["key"] not in rows}
        rows |= new
        following = found["following"]
        if not following or not new or len(rows) >= MOST_TEAMS:
            break
        say(f"asking about {slug}: {len(rows):,} teams so far")
    places = [
        Place(rank, row["team"], parse_score(row["score"]), row["date"])
        for rank, row in enumerate(rows.values(), 1)
    ]
    return Board(places, bool(found["whole"]))
