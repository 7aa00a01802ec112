"""One class of C a row: `label` is its name, y its index [N], probs [N, C] sum to 1."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.metrics import FLOOR, Form, Probs, RowScores
from common.progress import first_of, span
from common.targets.classes import classes_of, label_remarks, targets_of
from common.targets.target import LABEL, Strata, Target, Targets, one_hot


@dataclass(frozen=True, kw_only=True)
class OneClass(Target):
    """One of the classes.

    Attributes:
        unknown: the class of images that belong to none of the others (`new_whale`); empty: there is none.
    """

    unknown: str = ""

    kind: ClassVar[str] = "class"
    noun: ClassVar[str] = "classes"
    forms: ClassVar[tuple[Form, ...]] = ("index", "columns", "sets", "ranked")
    losses: ClassVar[tuple[str, ...]] = ("cross_entropy",)
    pictures: ClassVar[tuple[str, ...]] = ("confusion", "worst_mistakes")
    named: ClassVar[bool] = True
    refuses: ClassVar[dict[str, str]] = {
        "head=svr": "it fits numbers, and here the answers are classes: head=svm tells them apart"
    }
    exclusive: ClassVar[bool] = True

    @property
    def decisions(self) -> tuple[str, ...]:
        return ("temperature", "class-factors", *(["unknown"] if self.unknown else []))

    def decision_for(self, form: Form, macro: bool) -> str:
        if form == "ranked" and self.unknown:
            return "unknown"
        return "class-factors" if macro and form in ("index", "sets") else "none"

    def cells(self, form: Form, *, by_rank: bool, wide: bool) -> str:
        if wide:
            return "columns" if by_rank else "probabilities"
        return "ranked" if form == "ranked" else "label"

    def activation(self, loss: str) -> str:  # noqa: ARG002
        return "softmax"

    def fitted(self, train: pd.DataFrame, sample: pd.DataFrame, source: str) -> Self:
        names = classes_of(sample, train[LABEL], source)
        if self.unknown and self.unknown not in names:
            names = tuple(sorted((*names, self.unknown)))
        return replace(self, names=names)

    def read(self, table: pd.DataFrame) -> Targets:
        return targets_of(table[LABEL], self.names)

    def soft(self, y: Targets) -> npt.NDArray[Any]:
        return y

    def strata(self, y: Targets) -> Strata:
        return y

    def truth(self, y: Targets, form: Form) -> npt.NDArray[Any]:
        if form in ("index", "ranked"):
            return y
        hot = one_hot(y, len(self.names))
        return hot if form == "sets" else hot.astype(np.float64)

    def answers(self, probs: Probs, form: Form) -> npt.NDArray[Any]:
        if form == "columns":
            return probs
        if form == "ranked":
            return np.argsort(-probs, axis=1, kind="stable")
        best = probs.argmax(axis=1)
        return one_hot(best, len(self.names)) if form == "sets" else best

    def row_losses(self, probs: Probs, y: Targets) -> RowScores:
        """The log loss of each row: probabilities divided by their sum, then clipped."""
        rows = probs.astype(np.float64)
        rows = rows / rows.sum(axis=1, keepdims=True)
        return np.asarray(-np.log(np.clip(rows[np.arange(len(rows)), y], FLOOR, 1 - FLOOR)))

    def certainty(self, probs: Probs) -> npt.NDArray[np.float32]:
        return np.asarray(probs.max(axis=1))

    def remarks(self, train: pd.DataFrame, sample: pd.DataFrame) -> list[str]:
        found = label_remarks(train[LABEL], sample)
        absent = sorted({*self.names} - {*train[LABEL], self.unknown})
        if absent:
            found.append(
                f"no training label is {first_of(absent)}, and the sample submission has a column for "
                f"{'it' if len(absent) == 1 else 'each'}: answered, and never learned"
            )
        if self.unknown and self.unknown not in set(train[LABEL]):
            found.append(
                f"no training label is {self.unknown!r}, the class of the unknown: no held-out row shows "
                "where it pays, so that no row is answered so; label classes of one image so in the "
                "competition's reader, and its probability is fitted on them"
            )
        return found

    def summary(self, y: Targets) -> str:
        counts = np.bincount(y, minlength=len(self.names))
        some = counts[counts > 0]
        lacking = f", {len(counts) - len(some):,} without" if len(some) < len(counts) else ""
        return f"{len(some)} classes of {span(some.tolist())} images{lacking}"

    def told(self, answer: npt.NDArray[Any]) -> str:
        return self.names[int(answer)]

    def said(self, probs: Probs) -> str:
        return f"{self.names[int(probs.argmax())]} {probs.max():.2f}"
