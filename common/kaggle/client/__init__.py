"""Download, submit, wait, look: what the kit's verbs ask of Kaggle.

Each function takes `environment`: variables for the client's process over this process's own, an
empty value removing one. By default the process's own environment counts, so that any loopback
server named by the client's own variables stands in for the site. All raise `KaggleError`.
"""

from common.kaggle.client.competition_status import (
    CompetitionStatus,
    Limits,
    Submission,
    SubmissionCount,
    competition_info,
    competition_status,
    has_mark,
    limits,
    submissions,
)
from common.kaggle.client.download import download, download_files
from common.kaggle.client.errors import KaggleError
from common.kaggle.client.leaderboard import Board, Place, board, leaderboard
from common.kaggle.client.retry import Environment
from common.kaggle.client.send_once import UnsureError
from common.kaggle.client.submission_quota import check_can_submit, count_unlisted, why_unsure
from common.kaggle.client.submitting import (
    SCORED_S,
    SubmissionError,
    digest_mark,
    list_of,
    new_mark,
    submit,
    wait,
)
from common.kaggle.credential import Credential, credential

__all__ = [
    "SCORED_S",
    "Board",
    "CompetitionStatus",
    "Credential",
    "KaggleError",
    "Limits",
    "Place",
    "Submission",
    "SubmissionCount",
    "SubmissionError",
    "UnsureError",
    "allowed_today",
    "board",
    "check_can_submit",
    "competition_info",
    "competition_status",
    "count_unlisted",
    "credential",
    "digest_mark",
    "download",
    "download_files",
    "has_mark",
    "leaderboard",
    "limits",
    "list_of",
    "new_mark",
    "submissions",
    "submit",
    "wait",
    "why_unsure",
]


def allowed_today(slug: str, *, environment: Environment = None) -> int | None:
    """How many submissions are left today; None when the installed client cannot ask."""
    found = limits(slug, environment=environment)
    return None if found is None else found.allowed
