"""Show the public leaderboard and the place of your best score.

It also writes scores that have arrived since into the ledger. For an embedded competition the
leaderboard is your own ledger.

Example: kit cifar10 leaderboard
"""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from common import ledger
from common.kaggle import client
from common.kaggle.client import Board, Place
from common.ledger import Entry
from common.metrics import Metric
from common.progress import counted, say
from common.workflow.request import Request
from common.workflow.submitting.send import update_ledger

SHOWN = 10  # rows from the top
SAME = 1e-5  # that two scores differ by at most; boards round them
AROUND = 2  # rows above and below your own place


def run(request: Request) -> dict[str, Any]:
    """Print the leaderboard; the JSON holds its rows, and the best public score's place on it."""
    competition, metric = request.competition, request.competition.scored_by
    if request.on_site:
        board, noun, where = client.board(request.slug), "team", "on the board"
        told = client.submissions(request.slug)
        update_ledger(request.runs, competition.name, told)
        runs = {entry.ref: entry.run for entry in _entered(request)}
        mine = [
            (each.public, each.ref, runs.get(each.ref, ""))
            for each in told
            if each.public is not None
        ]
        teams = {each.team for each in told} - {""}
    else:
        entered = _entered(request)
        board, noun = Board(_of_ledger(entered, metric), whole=True), "submission"
        teams, where = {entry.run for entry in entered}, "in your ledger, which is its board"
        mine = [(entry.public or 0.0, entry.ref, entry.run) for entry in entered]
    rows, least = board.rows, "" if board.whole else "at least "
    said = f"{metric.name.replace('_', ' ')}, {least}{counted(len(rows), noun)} {where}"
    say(f"{competition.title}: {said}")
    if not board.whole:
        say("the site's list repeats itself, or does not end: more teams may follow the last one")
    result: dict[str, Any] = {
        "teams": len(rows),
        "whole": board.whole,
        "rows": [asdict(row) for row in rows],
    }
    if not mine:
        _tell(rows, 0)
        say(f"no scored submission of yours yet: `{request.command('submit')}` sends one")
        return result
    best, ref, run = (max if metric.higher_is_better else min)(mine, key=lambda each: each[0])
    place = place_of(best, rows, metric)
    _tell(rows, place)
    named = f"ref {ref}, {run}" if run else f"ref {ref}"
    listed, standing = _stands(best, place, board, teams)
    say(f"your best public score {best:.5f} ({named}) {standing}")
    return result | {
        "public": best,
        "ref": ref,
        "place": place,
        "listed": listed,
        "run": run or None,
    }


def _stands(best: float, place: int, board: Board, teams: Collection[str]) -> tuple[bool, str]:
    """A score and its place to whether the leaderboard lists it, and a sentence with the place.

    Args:
        teams: the names of the own team; empty if the site does not tell.
    """
    own = [row for row in board.rows if row.team in teams or not teams]
    listed = any(row.score is not None and abs(row.score - best) < SAME for row in own)
    least, count = "" if board.whole else "at least ", len(board.rows)
    if listed:
        return True, f"has place {place:,} of {least}{count:,}"
    count = max(count + (not (teams and own)), place)
    after = "at least " if least and place > len(board.rows) else ""
    why = "it is not on the board"
    if teams and own:
        score = "no score" if own[0].score is None else f"{own[0].score:.5f}"
        why = f"the board has {score} of your team, at place {own[0].rank:,}"
    elif least:
        why = "it is not on what was read of the board"
    return False, f"would have {after}place {place:,} of {least}{count:,}: {why}"


def _entered(request: Request) -> list[Entry]:
    """The competition's submissions in the ledger that have a public score."""
    return [
        entry
        for entry in ledger.read(request.runs / ledger.NAME)
        if entry.competition == request.competition.name and entry.public is not None
    ]


def place_of(score: float, rows: list[Place], metric: Metric) -> int:
    """A score's place: 1 + the number of rows with a better score; also for late submissions."""
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
