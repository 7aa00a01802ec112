"""Download, submit, wait, look: what the kit's verbs ask of Kaggle.

Each function takes `environment`: variables for the client's process over this process's own, an
empty value removing one. By default the process's own environment counts, so that any loopback
server named by the client's own variables stands in for the site. All raise `KaggleError`.
"""

from common.kaggle.client.download import download
from common.kaggle.client.errors import KaggleError
from common.kaggle.client.evidence import unlisted, unseen
from common.kaggle.client.retry import Environment
from common.kaggle.client.send_once import UnsureError
from common.kaggle.client.submitting import (
    SubmissionError,
    digest_mark,
    list_of,
    new_mark,
    submit,
    wait,
)
from common.kaggle.client.team_status import (
    Board,
    Count,
    Limits,
    Place,
    Standing,
    Submission,
    allow,
    bears,
    board,
    facts,
    leaderboard,
    limits,
    standing,
    submissions,
)
from common.kaggle.credential import Credential, credential

__all__ = [
    "Board",
    "Count",
    "Credential",
    "KaggleError",
    "Limits",
    "Place",
    "Standing",
    "Submission",
    "SubmissionError",
    "UnsureError",
    "allow",
    "allowed_today",
    "bears",
    "board",
    "credential",
    "digest_mark",
    "download",
    "facts",
    "leaderboard",
    "limits",
    "list_of",
    "new_mark",
    "standing",
    "submissions",
    "submit",
    "unlisted",
    "unseen",
    "wait",
]


def allowed_today(slug: str, *, environment: Environment = None) -> int | None:
    """How many submissions are left today; None when the installed client cannot ask."""
    found = limits(slug, environment=environment)
    return None if found is None else found.allowed
