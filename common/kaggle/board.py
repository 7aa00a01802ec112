"""A competition's leaderboard, read call by call: no file is downloaded, none is overwritten."""

from dataclasses import dataclass

from common.kaggle.calls import Environment, call


@dataclass(frozen=True)
class Row:
    """One team's place; the score is None where the site tells none."""

    rank: int
    team: str
    score: float | None
    date: str


def leaderboard(slug: str, *, environment: Environment = None) -> list[Row]:
    """The public leaderboard, best first, as far as the site lists it.

    Raises:
        KaggleError: it cannot be had.
    """
    found = call({"operation": "leaderboard", "slug": slug}, "asking about", environment)
    return [
        Row(rank, row["team"], float(row["score"]) if row["score"] else None, row["date"])
        for rank, row in enumerate(found, 1)
    ]
