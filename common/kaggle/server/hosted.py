"""A competition on the loopback host: its files, its scoring, and the terms a site may have."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

FAR_OFF = 4_102_444_740.0  # the last minute of 2099
Score = Callable[[Path], tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Hosted:
    """One competition on the host.

    Attributes:
        slug: its name in every request.
        title: what people call it.
        files: the folder of its files; they are served as one archive and singly.
        score: submission file to (public, private) score; ValueError(reason) refuses the file.
        metric: a name in `common.metrics.METRICS`, for the order of the leaderboard.
        daily_limit: submissions accepted in one UTC day.
        entered: has the account accepted the rules?
        deadline: in seconds since the epoch; later submissions are scored, but do not rank.
        code_only: are submissions taken from notebooks alone?
        closed: are no submissions taken at all?
        hide_private: are private scores, as on the site, told after the deadline only?
        tidy: is a description stripped, made one line, escaped for HTML and cut at 255 characters?
        late_s: seconds until a submission is in the list (it counts at once), and until a version
            of a kernel that uses this competition is told of.
        unnumbered: is no version named in the answers about such a kernel?
        hidden: the folder of its files that a submitted kernel is run on again, in place of `files`; None:
            what the kernel wrote is scored.
        rerun_s, rerun_mb: limits of such a run.
        board: other teams on the leaderboard: name, public and private score.
    """

    slug: str
    title: str
    files: Path
    score: Score
    metric: str
    daily_limit: int = 20
    entered: bool = True
    deadline: float = FAR_OFF
    code_only: bool = False
    closed: bool = False
    hide_private: bool = False
    tidy: bool = False
    late_s: float = 0.0
    unnumbered: bool = False
    hidden: Path | None = None
    rerun_s: float = 9 * 3600.0
    rerun_mb: int = 30_000
    board: Sequence[tuple[str, float, float]] = ()
