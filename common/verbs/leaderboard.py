"""Show the public leaderboard, and where your best score stands on it.

It reads rows and downloads no file, and enters into the ledger the scores told since. An embedded
competition's board is your own ledger.

Example: kit cifar10 leaderboard
"""

from dataclasses import asdict
from typing import Any

from common import ledger
from common.kaggle import client
from common.kaggle.client import Place
from common.ledger import Entry
from common.metrics import Metric
from common.progress import counted, say
from common.workflow.request import Request
from common.workflow.submitting.send import complete

SHOWN = 10  # rows from the top
AROUND = 2  # rows above and below your own place


def run(request: Request) -> dict[str, Any]:
    """Do it; the JSON holds the rows, and the place that the best public score has or would have."""
    competition, metric = request.competition, request.competition.scored_by
    if request.on_site:
        rows, noun, where = client.leaderboard(request.slug), "team", "on the board"
        told = client.submissions(request.slug)
        complete(request.runs, competition.name, told)
        runs = {entry.ref: entry.run for entry in _entered(request)}
        mine = [
            (each.public, each.ref, runs.get(each.ref, ""))
            for each in told if each.public is not None
        ]  # fmt: skip
    else:
        entered = _entered(request)
        rows, noun = _of_ledger(entered, metric), "submission"
        where = "in your ledger, which is its board"
        mine = [(entry.public or 0.0, entry.ref, entry.run) for entry in entered]
    said = f"{metric.name.replace('_', ' ')}, {counted(len(rows), noun)} {where}"
    say(f"{competition.title}: {said}")
    result: dict[str, Any] = {"teams": len(rows), "rows": [asdict(row) for row in rows]}
    if not mine:
        _tell(rows, 0)
        say(f"no scored submission of yours yet: `kit {competition.name} submit` sends one")
        return result
    best, ref, run = (max if metric.higher_is_better else min)(mine, key=lambda each: each[0])
    place = place_of(best, rows, metric)
    _tell(rows, place)
    named = f"ref {ref}, {run}" if run else f"ref {ref}"
    say(f"your best public score {best:.5f} ({named}) has place {place:,} of {len(rows):,}")
    return result | {"public": best, "ref": ref, "place": place, "run": run or None}


def _entered(request: Request) -> list[Entry]:
    """The competition's submissions in the ledger that have a public score."""
    return [
        entry for entry in ledger.read(request.runs / ledger.NAME)
        if entry.competition == request.competition.name and entry.public is not None
    ]  # fmt: skip


def place_of(score: float, rows: list[Place], metric: Metric) -> int:
    """1 and a place for each row whose score is better; a late submission has one all the same."""
    return 1 + sum(row.score is not None and metric.better(row.score, score) for row in rows)


def _of_ledger(entries: list[Entry], metric: Metric) -> list[Place]:
    """Your own submissions as a board, best first."""
    ordered = sorted(entries, key=lambda each: each.public or 0.0, reverse=metric.higher_is_better)
    return [
        Place(rank, entry.run, entry.public, entry.time) for rank, entry in enumerate(ordered, 1)
    ]


def _tell(rows: list[Place], place: int) -> None:
    last = 0
    for row in rows:
        near = place and abs(row.rank - place) <= AROUND
        if row.rank <= SHOWN or near:
            if row.rank > last + 1:
                say("  …")
            score = "" if row.score is None else f"{row.score:.5f}"
            say(f"  {row.rank:>6,}  {score:>9}  {row.date[:10]:<10}  {row.team}")
            last = row.rank
