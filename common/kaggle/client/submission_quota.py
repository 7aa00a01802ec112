"""What the site's submission counts tell: how many are left, and whether an unlisted one was made."""

from datetime import UTC, datetime, timedelta

from common.kaggle.client.competition_status import (
    CompetitionStatus,
    Limits,
    SubmissionCount,
    parse_time,
)
from common.kaggle.client.errors import KaggleError
from common.progress import counted, say

NO_LIMIT = 1000  # submissions a day from which on the number left is not said: the loopback host's


def check_can_submit(
    slug: str, status: CompetitionStatus, *, from_kernel: bool = False, now: datetime | None = None
) -> None:
    """Say what is left of the day; refuse, before any upload, what Kaggle would refuse after it.

    Args:
        from_kernel: it is a kernel's output that is to be submitted, not a file from here.

    Raises:
        KaggleError: no submission can be sent; when it can be, or what to do instead.
    """
    now = now or datetime.now(UTC)
    if status.info.get("code_only") and not from_kernel:
        raise KaggleError(
            f"{slug} takes submissions from Kaggle's notebooks only, no files: `kit <competition> "
            "kernel` makes one and brings its run back, `kit <competition> submit --kernel RUN` "
            "submits from there"
        )
    if status.info.get("closed"):
        raise KaggleError(
            f"{slug} takes no submissions any more; `kit <competition> rehearse` scores runs on this machine"
        )
    left = status.limits
    if left is None:
        say(f"how many submissions to {slug} are left today is not told")
    # All zeros are also the answer to a team that does not exist yet.
    if left is not None and not left.allowed and (left.today or left.capped):
        raise KaggleError(quota_message(slug, left, now))
    ended = parse_time(status.info.get("deadline", ""))
    if ended is not None and ended < now:
        say(f"{slug} ended on {ended:%Y-%m-%d}: a late submission is scored, but does not rank")
    if left is not None and 0 < left.allowed < NO_LIMIT:
        say(f"submissions to {slug} left today, this one included: {left.allowed}")


def quota_message(slug: str, left: Limits, now: datetime) -> str:
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


def count_unlisted(before: SubmissionCount | None, now: CompetitionStatus) -> int | None:
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


def why_unsure(hidden: int | None) -> str:
    """Why a submission may count that no list shows, of what `unlisted` gives; "": it does not."""
    if hidden is None:
        return "it is not in the list so far, and Kaggle does not tell how many were made"
    if hidden:
        return f"Kaggle counts {counted(hidden, 'submission')} more than are in the list so far"
    return ""
