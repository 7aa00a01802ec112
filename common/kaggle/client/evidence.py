"""What a site's counts tell of a submission that its list does not show."""

from common.kaggle.client.team_status import Count, Standing
from common.progress import counted


def unlisted(before: Count | None, now: Standing) -> int | None:
    """How many submissions were counted since `before` that the list does not show.

    None: it is not told, or the counts cannot be compared: a new day has begun, or a file was
    refused and is not counted any more.
    """
    if before is None or before.limits is None or now.limits is None:
        return None
    old, new = before.limits, now.limits
    steps = (new.total - old.total, new.today - old.today, old.allowed - new.allowed)
    if max(steps) <= 0 and min(steps) < 0:
        return None
    return max(max(steps) - sum(row.ref > before.newest for row in now.submissions), 0)


def unseen(hidden: int | None) -> str:
    """Why a submission may count that no list shows, of what `unlisted` gives; "": it does not."""
    if hidden is None:
        return "it is not in the list so far, and Kaggle does not tell how many were made"
    if hidden:
        return f"Kaggle counts {counted(hidden, 'submission')} more than are in the list so far"
    return ""
