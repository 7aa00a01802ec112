"""Download, submit, wait, look: what the kit's verbs ask of Kaggle.

Each function takes `environment`: variables for the client's process over this process's own, an
empty value removing one. By default the process's own environment counts, so that any loopback
server named by the client's own variables stands in for the site. All raise `KaggleError`.
"""

from common.kaggle.archive import download
from common.kaggle.calls import Environment
from common.kaggle.credential import Credential, credential
from common.kaggle.errors import KaggleError
from common.kaggle.once import UnsureError
from common.kaggle.sending import SubmissionError, digest_mark, new_mark, submit, wait
from common.kaggle.standing import (
    Limits,
    Place,
    Standing,
    Submission,
    allow,
    leaderboard,
    limits,
    standing,
    submissions,
)

__all__ = [
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
    "credential",
    "digest_mark",
    "download",
    "leaderboard",
    "limits",
    "new_mark",
    "standing",
    "submissions",
    "submit",
    "wait",
]


def allowed_today(slug: str, *, environment: Environment = None) -> int | None:
    """How many submissions are left today; None when the installed client cannot ask."""
    found = limits(slug, environment=environment)
    return None if found is None else found.allowed
