"""How much of an ensemble the time allows: fewer views first, then fewer models, then none."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

AIMED = (
    0.9  # share of the limit that predicting plans for; the rest is for writing, and for surprises
)


@dataclass(frozen=True)
class Level:
    """A part of the ensemble: of each run at most so many view groups and so many models."""

    views: int
    models: int

    @property
    def text(self) -> str:
        """As in '2 view groups, 5 models'."""
        views = "1 view group" if self.views == 1 else f"{self.views} view groups"
        return f"{views}, {'1 model' if self.models == 1 else f'{self.models} models'}"


def levels_of(views: int, models: int) -> list[Level]:
    """The order in which predicting gives up: one view group after another, then half of the models."""
    found = [Level(each, models) for each in range(views, 0, -1)]
    while models > 1:
        models = (models + 1) // 2
        found.append(Level(1, models))
    return found


@dataclass
class Clock:
    """The time left of a limit, and how long rows have taken.

    Attributes:
        seconds: the limit, counted from `begun` (`time.monotonic`).
        costs: seconds an image: of reading it, and of one pass of a network.
        devices: that work side by side.
    """

    seconds: float
    begun: float = field(default_factory=time.monotonic)
    costs: tuple[float, float] = (0.0, 0.0)
    measured: int = 0
    devices: int = 1

    @property
    def left(self) -> float:
        """Seconds that may still be planned with."""
        return self.begun + AIMED * self.seconds - time.monotonic()

    def note(self, rows: int, units: float, reading: float, network: float) -> None:
        """Take the last rows' times for those to come; the first rows' hold what is done but once."""
        self.costs = (reading / rows, network / (rows * units))
        self.measured += 1

    def per_row(self, units: float) -> float:
        """Seconds that an image is expected to take."""
        return (self.costs[0] + self.costs[1] * units) / self.devices

    def choose(self, rows: int, units: Sequence[float]) -> int | None:
        """The first level, by its passes of a network an image, at which `rows` fit; None: at none do."""
        fits = (at for at, each in enumerate(units) if rows * self.per_row(each) <= self.left)
        return next(fits, None)
