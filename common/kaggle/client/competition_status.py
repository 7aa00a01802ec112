"""A competition as the site tells of it: its terms, the team's submissions, how many are left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from common.kaggle.client.retry import Environment, UnsupportedError, call

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


@dataclass(frozen=True)
class CompetitionStatus:
    """What to know before a submission is sent.

    Attributes:
        info: title, metric, deadline (ISO or ""), daily, entered, code_only, closed.
        limits: None when the installed client cannot ask, or the site does not tell.
        submissions: newest first.
    """

    info: Mapping[str, Any]
    limits: Limits | None
    submissions: Sequence[Submission]

    def find_mark(self, mark: str) -> Submission | None:
        """The newest submission whose description holds `mark`; None without one."""
        return next((row for row in self.submissions if has_mark(row, mark)), None)

    @property
    def count(self) -> "SubmissionCount":
        """What is counted and listed by now, to compare a later status with."""
        return SubmissionCount(self.limits, max((row.ref for row in self.submissions), default=0))


@dataclass(frozen=True)
class SubmissionCount:
    """What a site had counted and listed by some moment: evidence of what was made since.

    Attributes:
        limits: None when they are not told.
        newest: the largest number (ref) in the list; 0 for an empty one.
    """

    limits: Limits | None
    newest: int

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "SubmissionCount":
        """From plain JSON, as `asdict` gives it."""
        told = plain["limits"]
        return cls(Limits(**told) if told else None, int(plain["newest"]))


def has_mark(row: Submission, mark: str) -> bool:
    """Does the submission's description hold this mark, whatever a site made of the rest of it?"""
    return mark.strip("[]").lower() in row.description.lower()


def competition_info(slug: str, *, environment: Environment = None) -> dict[str, Any]:
    """What the site states of a competition: see `CompetitionStatus.info`."""
    return dict(call({"operation": "competition", "slug": slug}, ASKING, environment))


def competition_status(slug: str, *, environment: Environment = None) -> CompetitionStatus:
    """Info, limits and all submissions of a competition, by one process."""
    return parse_status(
        call({"operation": "competition_status", "slug": slug}, ASKING, environment)
    )


def limits_and_newest(slug: str, *, environment: Environment = None) -> CompetitionStatus:
    """Limits (None: not told just now) and the newest submissions, without the info."""
    return parse_status(call({"operation": "limits_and_newest", "slug": slug}, ASKING, environment))


def parse_status(found: Mapping[str, Any]) -> CompetitionStatus:
    """The child process's JSON as a value; `info` is empty where it was not asked for."""
    return CompetitionStatus(
        info=found.get("info", {}),
        limits=Limits(**found["limits"]) if found["limits"] else None,
        submissions=[parse_submission(row) for row in found["submissions"]],
    )


def submissions(slug: str, *, environment: Environment = None) -> list[Submission]:
    """The team's submissions to a competition, newest first."""
    found = call({"operation": "submissions", "slug": slug}, ASKING, environment)
    return [parse_submission(row) for row in found]


def limits(slug: str, *, environment: Environment = None) -> Limits | None:
    """How many submissions were made and are left; None when the installed client cannot ask."""
    try:
        return Limits(**call({"operation": "limits", "slug": slug}, ASKING, environment))
    except UnsupportedError:
        return None


def parse_submission(row: Mapping[str, Any]) -> Submission:
    """A row of the child process's list as a value, its scores as numbers."""
    scores = {name: parse_score(row[name]) for name in ("public", "private")}
    return Submission(**{**row, **scores})


def parse_score(text: str) -> float | None:
    """A score as the wire carries it, "" for none."""
    return float(text) if text else None


def parse_time(text: str) -> datetime | None:
    """An ISO time, UTC where it names no zone."""
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
