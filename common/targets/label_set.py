"""Any subset of C labels a row: y [N, C] is 0 or 1, probs [N, C] the chance of each label by itself.

The table has them as one text (`label`, 'scab rust', where '' is the empty set), or as a column of
0 and 1 for each label.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.errors import KitError
from common.metrics import Form, Probs, RowScores
from common.progress import counted, first_of, span
from common.targets.classes import label_remarks
from common.targets.target import (
    LABEL,
    Strata,
    Target,
    Targets,
    binary_losses,
    offenders,
)

CELLS = {"0": 0.0, "0.0": 0.0, "1": 1.0, "1.0": 1.0}


@dataclass(frozen=True, kw_only=True)
class LabelSet(Target):
    """Any of the labels, none and all included.

    Attributes:
        names: the labels in the competition's own order, where it has one; else the sample's columns,
            or the training labels, sorted.
        separator: between labels of one text; read with and without the blanks around it.
        empty: what stands for no label in a submission; None: every row has one label at least.
        wide: the table has a column of 0 and 1 for each label.
    """

    separator: str = " "
    empty: str | None = ""
    wide: bool = False

    kind: ClassVar[str] = "labels"
    noun: ClassVar[str] = "labels"
    forms: ClassVar[tuple[Form, ...]] = ("columns", "sets")
    losses: ClassVar[tuple[str, ...]] = ("bce", "asymmetric")
    pictures: ClassVar[tuple[str, ...]] = ("curves", "worst_rows")
    refuses: ClassVar[dict[str, str]] = {
        "pseudo_threshold": "no one class is the likeliest: pseudo_threshold=0 takes soft labels",
        "noise=weight": "its loss weighs answers, not rows: noise=drop leaves rows out",
        "head=rows": "the old classifier's rows tell one class from all others, not one label of several",
        "head=lda": "it tells classes apart of which each row has one",
        "head=svr": "it fits numbers, and here the answers are labels: head=svm tells them apart",
    }

    @property
    def decisions(self) -> tuple[str, ...]:
        return "temperature", "threshold", "label-thresholds"

    def decision_for(self, form: Form, macro: bool) -> str:
        if form != "sets":
            return "none"
        return "label-thresholds" if macro else "threshold"

    def cells(self, form: Form, *, by_rank: bool, wide: bool) -> str:  # noqa: ARG002
        if form == "columns":
            return "columns"
        return "flags" if wide else "labels"

    @property
    def columns(self) -> tuple[str, ...]:
        return self.names if self.wide else (LABEL,)

    def fitted(self, train: pd.DataFrame, sample: pd.DataFrame, source: str) -> Self:
        if LABEL not in train:
            return self._of_columns(train, sample, source)
        found = sorted(
            {name for text in train[LABEL] for name in split_labels(str(text), self.separator)}
        )
        wanted = self.names or (tuple(sample.columns[1:]) if len(sample.columns) > 2 else ())
        unknown = [name for name in found if wanted and name not in wanted]
        if unknown:
            raise KitError(
                f"the training labels {first_of(unknown)} are none of {first_of(wanted)}: correct the "
                "labels, or the competition's list of them"
            )
        return self._checked(replace(self, names=wanted or tuple(found)), train)

    def _of_columns(self, train: pd.DataFrame, sample: pd.DataFrame, source: str) -> Self:
        have = self.answer_columns(train)
        wanted = tuple(sample.columns[1:]) if len(sample.columns) > 2 else self.names or have
        if missing := sorted(set(wanted) - set(have)):
            raise KitError(
                f"{source} has the columns {first_of(wanted)}, and the training table lacks "
                f"{first_of(missing)}: its reader has to give a column of 0 and 1 for each"
            )
        for name in wanted:
            wrong = ~train[name].astype(str).isin(CELLS)
            if wrong.any():
                raise KitError(
                    f"column {name!r} has {counted(int(wrong.sum()), 'value')} neither 0 nor 1 "
                    f"({first_of(offenders(train, wrong, name))}): correct them"
                )
        return self._checked(replace(self, names=wanted, wide=True), train)

    def _checked(self, fitted: Self, train: pd.DataFrame) -> Self:
        if not fitted.names or not fitted.read(train).any():
            raise KitError("no training row has a label: there is nothing to learn")
        none = fitted.read(train).sum(axis=1) == 0
        if self.empty is None and none.any():
            raise KitError(
                f"{counted(int(none.sum()), 'training row')} without a label "
                f"({first_of(train['id'].to_numpy()[none].tolist())}), and each has one at least here: correct them, "
                "or declare LabelSet(empty='…') with the word that stands for none"
            )
        return fitted

    def read(self, table: pd.DataFrame) -> Targets:
        if self.wide:
            return np.stack([table[name].astype(str).map(CELLS) for name in self.names], axis=1)
        at = {name: place for place, name in enumerate(self.names)}
        y = np.zeros((len(table), len(self.names)))
        for row, text in enumerate(table[LABEL]):
            y[row, [at[name] for name in split_labels(str(text), self.separator)]] = 1
        return y

    def remarks(self, train: pd.DataFrame, sample: pd.DataFrame) -> list[str]:
        if LABEL in train:
            return label_remarks(self.names, sample.iloc[:, :1])
        odd = self.not_one(train)
        if not 0 < len(odd) <= len(train) // 50:
            return []
        return [
            f"one of {first_of(self.names)} is 1 in each row, but in {first_of(odd)} of them: if each "
            "image has one class, correct the table, and the target is OneClass"
        ]

    def not_one(self, table: pd.DataFrame) -> list[str]:
        """'id: 2' of the rows that have another number of labels than one."""
        counts = self.read(table).sum(axis=1)
        odd = counts != 1
        return [f"{a}: {b:g}" for a, b in zip(table["id"][odd], counts[odd], strict=True)]

    def texts(self, table: pd.DataFrame) -> list[str]:
        return [self.told(row) for row in self.read(table)] if self.wide else super().texts(table)

    @property
    def label_text(self) -> dict[str, Any]:
        return {"separator": self.separator, "empty": self.empty}

    def submitted(self, table: pd.DataFrame) -> list[str]:
        sets = [
            [n for n, has in zip(self.names, row, strict=True) if has] for row in self.read(table)
        ]
        return [self.separator.join(each) or (self.empty or "") for each in sets]

    def strata(self, y: Targets) -> Strata:
        """The rarest label of each row, 0 where it has none: so rare labels are in every fold."""
        rarest_last = np.argsort(-y.sum(axis=0), kind="stable")
        rank = np.empty(len(rarest_last), dtype=np.int64)
        rank[rarest_last] = np.arange(1, len(rarest_last) + 1)
        return np.asarray((y * rank).max(axis=1).astype(np.int64))

    def truth(self, y: Targets, form: Form) -> npt.NDArray[Any]:
        return y if form == "columns" else y > 0.5

    def answers(self, probs: Probs, form: Form) -> npt.NDArray[Any]:
        if form == "columns":
            return probs
        some = probs >= 0.5
        if self.empty is None:
            some[np.arange(len(probs)), probs.argmax(axis=1)] = True
        return some

    def row_losses(self, probs: Probs, y: Targets) -> RowScores:
        return binary_losses(probs, y)

    def summary(self, y: Targets) -> str:
        counts = y.sum(axis=0).astype(int)
        none = int((y.sum(axis=1) == 0).sum())
        of = f"{len(self.names)} labels of {span(counts.tolist())} images"
        return f"{of}, {none:,} images without a label"

    def told(self, answer: npt.NDArray[Any]) -> str:
        return self.separator.join(np.array(self.names, object)[answer > 0.5]) or "none"

    def said(self, probs: Probs) -> str:
        return self.told(probs) if (probs >= 0.5).any() else f"none ({super().said(probs)})"


def split_labels(cell: str, separator: str) -> list[str]:
    """A cell's labels, without the space around them; blanks beside a mark (', ') may be missing or more."""
    mark = separator.strip(" ")
    words = cell.split(separator if mark.isalnum() else mark or None)
    return [word.strip() for word in words if word.strip()]
