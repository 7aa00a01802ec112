"""`Note`, a recipe's lab note: command, score, n, minutes, hardware and date; or what it needs."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Note:
    """A recipe's measurement with the command that reproduces it; or what a measurement needs.

    Attributes:
        command: the command line that reproduces it, from `kit` on.
        needs: what a measurement needs; empty if measured, and then the following are given.
        metric: a name in `common.metrics.METRICS`.
        score: in the metric's unit.
        spread: the score's uncertainty and its kind: "± 0.0034 (standard error)".
        scored_on: the validation split or test set: "5 folds", "a held-out tenth", "test/".
        n: the number of scored rows.
        minutes: wall-clock time of the command.
        hardware: the processors or GPU it ran on.
        date: of the measurement, as 2026-11-21.
        remark: a sentence or two of what does not fit the other fields.
    """

    command: str
    needs: str = ""
    metric: str = ""
    score: float | None = None
    spread: str = ""
    scored_on: str = ""
    n: int = 0
    minutes: float = 0
    hardware: str = ""
    date: str = ""
    remark: str = ""

    def lines(self) -> list[str]:
        """The note as lines to print, the command first."""
        if self.score is None:
            said = f"not measured: needs {self.needs}"
        else:
            score = " ".join(filter(None, (f"{self.score:.4f}", self.spread)))
            said = (
                f"{self.metric.replace('_', ' ')} {score} on {self.scored_on} (n = {self.n:,}); "
                f"{self.minutes:g} minutes, {self.hardware}, {self.date}"
            )
        return [each for each in (f"`{self.command}`", said, self.remark) if each]
