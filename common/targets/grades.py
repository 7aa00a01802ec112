"""One of C ordered grades a row: y is its index [N], probs [N, C] the chance of each grade.

The network has C - 1 outputs: how likely the grade is above 0, above 1, … (Niu et al., "Ordinal
Regression with Multiple Output CNN", 2016). A row's answer is its expected grade, rounded.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.errors import KitError
from common.metrics import Form, Probs, RowScores
from common.progress import counted, first_of
from common.targets.target import LABEL, Strata, Target, Targets, binary_losses, offenders, one_hot


@dataclass(frozen=True, kw_only=True)
class Grades(Target):
    """One of the grades `lowest` … `highest`, whole numbers.

    Attributes:
        lowest, highest: the ends of the scale; None: those of the training rows.
    """

    lowest: int | None = None
    highest: int | None = None

    kind: ClassVar[str] = "grades"
    noun: ClassVar[str] = "grades"
    forms: ClassVar[tuple[Form, ...]] = ("index", "columns", "sets")
    losses: ClassVar[tuple[str, ...]] = ("cumulative",)
    pictures: ClassVar[tuple[str, ...]] = ("confusion", "worst_rows")
    refuses: ClassVar[dict[str, str]] = {
        "noise=weight": "its loss weighs answers, not rows: noise=drop leaves rows out",
        "head=rows": "the old classifier has no row for 'above grade 1'",
        "head=lda": "it tells classes apart of which each row has one",
    }

    exclusive: ClassVar[bool] = True

    @property
    def decisions(self) -> tuple[str, ...]:
        return ("cut-points",)

    def decision_for(self, form: Form, macro: bool) -> str:  # noqa: ARG002
        return "none" if form == "columns" else "cut-points"

    def cells(self, form: Form, *, by_rank: bool, wide: bool) -> str:  # noqa: ARG002
        return "columns" if form == "columns" else "grade"

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        return self.lowest, self.highest

    def names_in(self, form: Form) -> tuple[str, ...]:
        return ("grade",) if form == "columns" else self.names

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(f">{name}" for name in self.names[:-1])

    def activation(self, loss: str) -> str:  # noqa: ARG002
        return "cumulative"

    def fitted(self, train: pd.DataFrame, sample: pd.DataFrame, source: str) -> Self:  # noqa: ARG002
        numbers = pd.to_numeric(train[LABEL], errors="coerce")
        wrong = ~(numbers % 1 == 0)
        if wrong.any():
            raise KitError(
                f"{counted(int(wrong.sum()), 'label')} not a whole grade "
                f"({first_of(offenders(train, wrong, LABEL))}): correct them"
            )
        low = int(numbers.min()) if self.lowest is None else self.lowest
        high = int(numbers.max()) if self.highest is None else self.highest
        outside = (numbers < low) | (numbers > high)
        if outside.any():
            raise KitError(
                f"{counted(int(outside.sum()), 'label')} outside the grades {low} to {high} "
                f"({first_of(offenders(train, outside, LABEL))}): correct them, or lowest= and highest= of the target"
            )
        if low == high:
            raise KitError(f"all training labels are {low}: there is nothing to learn")
        names = tuple(str(grade) for grade in range(low, high + 1))
        return replace(self, names=names, lowest=low, highest=high)

    def read(self, table: pd.DataFrame) -> Targets:
        assert self.lowest is not None, "not fitted"
        return pd.to_numeric(table[LABEL]).to_numpy(np.float64).astype(np.int64) - self.lowest

    def expected(self, probs: Probs) -> npt.NDArray[np.float64]:
        """The expected grade of each row [N], counted from 0."""
        return np.asarray(probs.astype(np.float64) @ np.arange(len(self.names)))

    def soft(self, y: Targets) -> npt.NDArray[Any]:
        return (y[:, None] > np.arange(len(self.names) - 1)).astype(np.float32)

    def soft_labels(self, probs: Probs) -> npt.NDArray[np.float32]:
        above = 1 - probs.astype(np.float64).cumsum(axis=1)[:, :-1]
        return np.asarray(np.clip(above, 0, 1), dtype=np.float32)

    def strata(self, y: Targets) -> Strata:
        return y

    def truth(self, y: Targets, form: Form) -> npt.NDArray[Any]:
        if form == "columns":
            return (y + float(self.lowest or 0))[:, None]
        return one_hot(y, len(self.names)) if form == "sets" else y

    def answers(self, probs: Probs, form: Form) -> npt.NDArray[Any]:
        expected = self.expected(probs)
        if form == "columns":
            return (expected + float(self.lowest or 0))[:, None]
        grade = np.clip(np.floor(expected + 0.5).astype(np.int64), 0, len(self.names) - 1)
        return one_hot(grade, len(self.names)) if form == "sets" else grade

    def row_losses(self, probs: Probs, y: Targets) -> RowScores:
        above = 1 - probs.astype(np.float64).cumsum(axis=1)[:, :-1]
        return binary_losses(above, self.soft(y))

    def certainty(self, probs: Probs) -> npt.NDArray[np.float32]:
        return np.asarray(probs.max(axis=1))

    def summary(self, y: Targets) -> str:
        counts = np.bincount(y, minlength=len(self.names))
        shown = ", ".join(f"{a}: {b:,}" for a, b in zip(self.names, counts, strict=True))
        return f"{len(self.names)} grades ({shown})"

    def told(self, answer: npt.NDArray[Any]) -> str:
        return self.names[int(answer)]

    def said(self, probs: Probs) -> str:
        return f"{self.expected(probs[None])[0] + float(self.lowest or 0):.2f}"
