"""How a team stands in a competition: its submissions, what is left of the day, what is closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from common.kaggle.client.errors import KaggleError
from common.kaggle.client.retry import Environment, UnsupportedError, call
from common.progress import counted, say

ASKING = "asking about"


@dataclass(frozen=True)
class Submission:
    """One row of the competition's list of submissions; a score is None until there is one."""

    ref: int
    status: str
    public: float | None
    private: float | None
    error: str
    description: str
    date: str
    file: str
    team: str = ""


@dataclass(frozen=True)
class Limits:
    """Submissions made today and ever, and how many are allowed now.

    `capped`: is it the total that is limited, so that tomorrow brings none either?
    """

    today: int
    total: int
    allowed: int
    capped: bool


MOST_TEAMS = 1_000_000  # of a board that goes on for ever
NO_LIMIT = 1000  # a day's submissions from which on nobody counts: the kit's own Kaggle


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


@dataclass(frozen=True)
class Standing:
    """What to know before a submission is sent.

    Attributes:
        facts: title, metric, deadline (ISO or ""), daily, entered, code_only, closed.
        limits: None when the installed client cannot ask, or the site does not tell.
        submissions: newest first.
    """

    facts: Mapping[str, Any]
    limits: Limits | None
    submissions: Sequence[Submission]

    def marked(self, mark: str) -> Submission | None:
        """The newest submission that bears `mark`."""
        return next((row for row in self.submissions if bears(row, mark)), None)

    @property
    def count(self) -> "Count":
        """What is counted and listed by now."""
        return Count(self.limits, max((row.ref for row in self.submissions), default=0))


@dataclass(frozen=True)
class Count:
    """What a site had counted and listed by some moment: evidence of what was made since.

    Attributes:
        limits: None when they are not told.
        newest: the largest number (ref) in the list; 0 for an empty one.
    """

    limits: Limits | None
    newest: int

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Count":
        """From plain JSON, as `asdict` gives it."""
        told = plain["limits"]
        return cls(Limits(**told) if told else None, int(plain["newest"]))


def bears(row: Submission, mark: str) -> bool:
    """Does the submission's description hold this mark, whatever a site made of the rest of it?"""
    return mark.strip("[]").lower() in row.description.lower()


def facts(slug: str, *, environment: Environment = None) -> dict[str, Any]:
    """What the site states of a competition: see `Standing.facts`."""
    return dict(call({"operation": "competition", "slug": slug}, ASKING, environment))


def standing(slug: str, *, environment: Environment = None) -> Standing:
    """The competition's facts, the limits and all submissions, by one process."""
    return standing_of(call({"operation": "standing", "slug": slug}, ASKING, environment))


def counted_and_listed(slug: str, *, environment: Environment = None) -> Standing:
    """The limits and the newest submissions, without the facts; limits None: not told just now."""
    return standing_of(call({"operation": "counted", "slug": slug}, ASKING, environment))


def standing_of(found: Mapping[str, Any]) -> Standing:
    """From plain JSON; facts are left out where they were not asked for."""
    return Standing(
        facts=found.get("facts", {}),
        limits=Limits(**found["limits"]) if found["limits"] else None,
        submissions=[submission_of(row) for row in found["submissions"]],
    )


def submissions(slug: str, *, environment: Environment = None) -> list[Submission]:
    """The team's submissions to a competition, newest first."""
    found = call({"operation": "submissions", "slug": slug}, ASKING, environment)
    return [submission_of(row) for row in found]


def limits(slug: str, *, environment: Environment = None) -> Limits | None:
    """How many submissions were made and are left; None when the installed client cannot ask."""
    try:
        return Limits(**call({"operation": "limits", "slug": slug}, ASKING, environment))
    except UnsupportedError:
        return None


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
        Place(rank, row["team"], number(row["score"]), row["date"])
        for rank, row in enumerate(rows.values(), 1)
    ]
    return Board(places, bool(found["whole"]))


def allow(
    slug: str, found: Standing, *, from_kernel: bool = False, now: datetime | None = None
) -> None:
    """Say what is left of the day; refuse, before any upload, what Kaggle would refuse after it.

    Args:
        from_kernel: it is a kernel's output that is to be submitted, not a file from here.

    Raises:
        KaggleError: no submission can be sent; when it can be, or what to do instead.
    """
    now = now or datetime.now(UTC)
    if found.facts.get("code_only") and not from_kernel:
        raise KaggleError(
            f"{slug} takes submissions from Kaggle's notebooks only, no files: `kit <competition> "
            "kernel` makes one and brings its run back, `kit <competition> submit --kernel RUN` "
            "submits from there"
        )
    if found.facts.get("closed"):
        raise KaggleError(
            f"{slug} takes no submissions any more; `kit <competition> rehearse` scores runs on this machine"
        )
    left = found.limits
    if left is None:
        say(f"how many submissions to {slug} are left today is not told")
    # All zeros are also the answer to a team that does not exist yet.
    if left is not None and not left.allowed and (left.today or left.capped):
        raise KaggleError(used_up(slug, left, now))
    ended = moment(found.facts.get("deadline", ""))
    if ended is not None and ended < now:
        say(f"{slug} ended on {ended:%Y-%m-%d}: a late submission is scored, but does not rank")
    if left is not None and 0 < left.allowed < NO_LIMIT:
        say(f"submissions to {slug} left today, this one included: {left.allowed}")


def used_up(slug: str, left: Limits, now: datetime) -> str:
    """The sentence for a quota that is used up, with the time of its renewal."""
    if left.capped:
        made = counted(left.total, "submission")
        return f"{slug}: {made} made, and one team may make no more"
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    minutes = int((midnight - now).total_seconds()) // 60
    return (
        f"{slug}: today's quota is used up ({counted(left.today, 'submission')}); the next is "
        f"allowed from midnight UTC, in {minutes // 60} h {minutes % 60:02} min"
    )


def submission_of(row: Mapping[str, Any]) -> Submission:
    """A row of `common.kaggle.lists`, its scores as numbers."""
    scores = {name: number(row[name]) for name in ("public", "private")}
    return Submission(**{**row, **scores})


def number(text: str) -> float | None:
    """A score as the wire carries it, "" for none."""
    return float(text) if text else None


def moment(text: str) -> datetime | None:
    """An ISO time, UTC where it names no zone."""
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
