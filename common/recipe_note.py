"""A recipe's lab note: the command, the score with its n, minutes, hardware and date; or what it needs."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Note:
    """What a recipe was measured to do, or what has to be there before it can be measured.

    Attributes:
        command: what to type to measure it, from `kit` on.
        needs: what is missing for a measurement; empty where there is one, and the following filled.
        metric: a name in `common.metrics.METRICS`.
        score: in the metric's unit.
        spread: how far the score may be off, and in which sense: "± 0.0034 (standard error)".
        scored_on: the rows that were scored: "5 folds", "a held-out tenth", "test/".
        n: how many rows these are.
        minutes: by the clock, from the command to its last line.
        hardware: what it ran on.
        date: of the measurement, as 2026-11-21.
        remark: a sentence or two that no field holds.
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
