"""Yes or no a row: `label` is one of two words, y [N, 1] is 0 or 1, probs [N, 1] the chance of yes."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.errors import KitError
from common.metrics import Form, Probs, RowScores
from common.progress import counted, first_of
from common.targets.target import LABEL, Strata, Target, Targets, binary_losses, offenders

WORDS = {"1": 1.0, "1.0": 1.0, "yes": 1.0, "true": 1.0, "0": 0.0, "0.0": 0.0, "no": 0.0, "false": 0.0}  # fmt: skip

PAIRS = (("no", "yes"), ("false", "true"))


@dataclass(frozen=True, kw_only=True)
class YesNo(Target):
    """Yes or no, where 1, yes and true are yes and 0, no and false are no, unless `yes` says otherwise.

    Attributes:
        yes: the label that means yes; any other one is no. Empty: the words above.
        labels: what stands for no and yes where whole answers are written, as the sample or else the
            training rows have it; empty: 0 and 1.
    """

    yes: str = ""
    labels: tuple[str, ...] = ()

    kind: ClassVar[str] = "yes-no"
    noun: ClassVar[str] = "yes or no"
    forms: ClassVar[tuple[Form, ...]] = ("columns", "index", "sets")
    losses: ClassVar[tuple[str, ...]] = ("bce", "asymmetric")
    pictures: ClassVar[tuple[str, ...]] = ("curves", "worst_rows")
    refuses: ClassVar[dict[str, str]] = {
        "pseudo_threshold": "no one class is the likeliest: pseudo_threshold=0 takes soft labels",
        "noise=weight": "its loss weighs answers, not rows: noise=drop leaves rows out",
        "head=rows": "the old classifier has no row for 'yes'",
        "head=lda": "it tells classes apart of which each row has one",
        "head=svr": "it fits numbers, and here the answers are yes or no: head=svm tells them apart",
    }

    @property
    def decisions(self) -> tuple[str, ...]:
        return "temperature", "threshold"

    def decision_for(self, form: Form, macro: bool) -> str:  # noqa: ARG002
        return "none" if form == "columns" else "threshold"

    def cells(self, form: Form, *, by_rank: bool, wide: bool) -> str:  # noqa: ARG002
        if form == "columns":
            return "columns"
        return "word" if self.labels else "flags"

    def names_in(self, form: Form) -> tuple[str, ...]:
        return (f"not {self.names[0]}", self.names[0]) if form == "index" else self.names

    @property
    def words(self) -> tuple[str, ...]:
        return self.labels

    def fitted(self, train: pd.DataFrame, sample: pd.DataFrame, source: str) -> Self:  # noqa: ARG002
        labels = train[LABEL].astype(str)
        wrong = ~(labels.str.lower().isin(WORDS)) & (self.yes == "")
        if self.yes and labels.nunique() > 2:
            raise KitError(
                f"the labels are {first_of(sorted(set(labels)))} where {self.yes!r} and one other were "
                "expected: a target of yes or no has two"
            )
        if wrong.any():
            raise KitError(
                f"{counted(int(wrong.sum()), 'label')} neither 0 nor 1 "
                f"({first_of(offenders(train, wrong, LABEL))}): correct them, or name the one that "
                "means yes, as in YesNo(yes='cat')"
            )
        fitted = replace(self, names=(str(sample.columns[1]),))
        if len(np.unique(fitted.read(train))) < 2:
            raise KitError(f"all training labels are {labels.iloc[0]!r}: there is nothing to learn")
        return replace(fitted, labels=fitted._labels(labels, sample.iloc[:, 1].astype(str)))

    def _labels(self, train: "pd.Series[str]", sample: "pd.Series[str]") -> tuple[str, ...]:
        """The words for no and yes: the sample's where it has any, else the training rows'."""
        no = set(train[train != self.yes]) if self.yes else set()
        if self.yes and (set(sample) & {self.yes, *no} or not _numbers(sample)):
            return min(no), self.yes
        if self.yes:
            return ()  # the sample says 0 and 1
        said = sample[sample.str.lower().isin(WORDS)]
        words = (said if len(said) else train).iloc[0]
        if _numbers(pd.Series([words])):
            return ()
        pair = next(pair for pair in PAIRS if words.lower() in pair)
        return tuple(_spelled_as(words, each) for each in pair)

    def read(self, table: pd.DataFrame) -> Targets:
        labels = table[LABEL].astype(str)
        yes = labels == self.yes if self.yes else labels.str.lower().map(WORDS)
        return yes.to_numpy(np.float64)[:, None]

    def strata(self, y: Targets) -> Strata:
        return y[:, 0].astype(np.int64)

    def truth(self, y: Targets, form: Form) -> npt.NDArray[Any]:
        return {"columns": y, "index": y[:, 0].astype(np.int64), "sets": y > 0.5}[form]

    def answers(self, probs: Probs, form: Form) -> npt.NDArray[Any]:
        if form == "columns":
            return probs
        yes = probs >= 0.5
        return yes if form == "sets" else yes[:, 0].astype(np.int64)

    def submitted(self, table: pd.DataFrame) -> list[str]:
        if not self.labels:
            return super().submitted(table)
        return [self.labels[int(each)] for each in self.read(table)[:, 0]]

    def row_losses(self, probs: Probs, y: Targets) -> RowScores:
        return binary_losses(probs, y)

    def listed(self) -> str:
        words = " or ".join(self.labels) or (f"1 is {self.yes!r}" if self.yes else "")
        return f"yes or no ({self.names[0]}{': ' if words else ''}{words})"

    def summary(self, y: Targets) -> str:
        return f"yes or no ({self.names[0]}): {int(y.sum()):,} of {len(y):,} are yes"

    def told(self, answer: npt.NDArray[Any]) -> str:
        return "yes" if answer[0] > 0.5 else "no"

    def said(self, probs: Probs) -> str:
        return f"{self.names[0]} {probs[0]:.2f}"


def _spelled_as(example: str, word: str) -> str:
    """A word in the capitals of an example: true as True."""
    if example.isupper():
        return word.upper()
    return word.capitalize() if example[0].isupper() else word


def _numbers(cells: "pd.Series[str]") -> bool:
    return bool(pd.to_numeric(cells, errors="coerce").notna().all())
