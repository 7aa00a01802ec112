"""A target: what the answer of a row is, and all that follows from it but the training itself.

`y` are the true answers of N rows (int64 [N] or float64 [N, K]), `probs` float32 [N, C] what models
say of them, both as the kind defines them. A competition declares its target; `fitted` adds what only
its files tell (the names of classes, labels or columns), and the fitted one goes with the run.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.metrics import Form, Probs, RowScores
from common.progress import first_of

Targets = npt.NDArray[Any]
Strata = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int64]
# Columns of a table that are no answers.
RESERVED = ("id", "path", "group", "weight", "hidden")
LABEL = "label"


@dataclass(frozen=True, kw_only=True)
class Target(ABC):
    """What a row's answer is.

    Attributes:
        names: of the classes, labels, grades or columns, in the order of the columns of probs.
    """

    names: tuple[str, ...] = ()

    kind: ClassVar[str]
    forms: ClassVar[tuple[Form, ...]]  # of answers that a metric may ask for
    losses: ClassVar[tuple[str, ...]]  # names in `common.training.updates.loss`, the default first
    pictures: ClassVar[tuple[str, ...]]  # names in `common.reporting.pictures`
    noun: ClassVar[str]  # of the names, several of them
    named: ClassVar[bool] = False  # an answer is a name: never empty, no space around it
    refuses: ClassVar[Mapping[str, str]] = {}  # fields of a recipe without a meaning here, and why
    exclusive: ClassVar[bool] = False  # one name a row: its probs sum to 1

    @property
    def refusals(self) -> Mapping[str, str]:
        """`refuses`, and what the target's own values rule out."""
        return self.refuses

    @property
    def decisions(self) -> tuple[str, ...]:
        """The names in `common.inference.decisions` of those that mean something here."""
        return ()

    def decision_for(self, form: Form, macro: bool) -> str:  # noqa: ARG002
        """The decision that a metric asks for: of answers in this form, each class counting alike?"""
        return "none"

    @abstractmethod
    def cells(self, form: Form, *, by_rank: bool, wide: bool) -> str:
        """The kind of `common.submission.Format` that a metric's submissions have, as `Format` says.

        Args:
            form: of the answers that the metric compares.
            by_rank: only their order counts.
            wide: the sample has more than one column beside the id.
        """

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """The least and the largest number that an answer may be; None: any."""
        return 0.0, 1.0

    def names_in(self, form: Form) -> tuple[str, ...]:  # noqa: ARG002
        """What the columns, or the indices, of answers in a form stand for."""
        return self.names

    @property
    def words(self) -> tuple[str, ...]:
        """What stands for no and for yes in a submission; empty: 0 and 1."""
        return ()

    @property
    def scaling(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """What outputs are shifted and scaled by, each a number a column; empty: they are not."""
        return (), ()

    @property
    def clamped(self) -> tuple[float | None, float | None]:
        """The least and the largest number that scaled outputs are kept within; None: any."""
        return None, None

    @property
    def label_text(self) -> dict[str, Any]:
        """How several labels are one text: `separator`, and what stands for none, `empty`."""
        return {}

    def submitted(self, table: pd.DataFrame) -> list[str]:
        """Each row's answer as the one text that a submission would hold."""
        return self.texts(table)

    def answer_columns(self, table: pd.DataFrame) -> tuple[str, ...]:
        """The columns of a table that hold answers, before the target is fitted to it."""
        others = tuple(name for name in table.columns if name not in RESERVED)
        return (LABEL,) if LABEL in others or not others else others

    def listed(self) -> str:
        """The number of names and the first of them: '3 classes (cat, dog, frog)'."""
        return f"{len(self.names)} {self.noun} ({first_of(self.names)})"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a table that hold the answers, as text."""
        return (LABEL,)

    @property
    def outputs(self) -> tuple[str, ...]:
        """What each output of the network stands for."""
        return self.names

    def activation(self, loss: str) -> str:  # noqa: ARG002
        """The name in `common.models.activations` of what turns outputs into probs."""
        return "sigmoid"

    @abstractmethod
    def fitted(self, train: pd.DataFrame, sample: pd.DataFrame, source: str) -> Self:
        """The target with what the files tell: the training table and the sample submission, text.

        Raises:
            KitError: answers that cannot be read as this kind, or that the sample does not know.
        """

    @abstractmethod
    def read(self, table: pd.DataFrame) -> Targets:
        """The answers of a table's rows; those in which nothing was wrong when it was fitted."""

    def texts(self, table: pd.DataFrame) -> list[str]:
        """Each row's answer as one text, for fingerprints and for people."""
        if self.columns == (LABEL,):
            return [str(each) for each in table[LABEL]]
        rows = table[list(self.columns)].astype(str).to_numpy()
        return [" ".join(row) for row in rows]

    def soft(self, y: Targets) -> npt.NDArray[Any]:
        """What the loss compares the outputs with: int64 [N] classes, or float32 [N, outputs]."""
        return y.astype(np.float32)

    def soft_labels(self, probs: Probs) -> npt.NDArray[np.float32]:
        """As `soft`, of what a model says in place of an answer: float32 [N, outputs]."""
        return np.asarray(self.soft(probs), dtype=np.float32)

    @abstractmethod
    def strata(self, y: Targets) -> Strata:
        """The stratum [N] of every row: folds hold equal shares of each."""

    @abstractmethod
    def truth(self, y: Targets, form: Form) -> npt.NDArray[Any]:
        """The true answers in the form that a metric compares."""

    @abstractmethod
    def answers(self, probs: Probs, form: Form) -> npt.NDArray[Any]:
        """What probs say in that form, read plainly: the likeliest, from 0.5 on, the nearest grade."""

    @abstractmethod
    def row_losses(self, probs: Probs, y: Targets) -> RowScores:
        """The loss of every row [N], float64: what is watched in training and breaks ties."""

    def certainty(self, probs: Probs) -> npt.NDArray[np.float32]:
        """How certain each row [N] is: the mean distance of its probabilities from 0.5."""
        return np.asarray(np.abs(probs - 0.5).mean(axis=1))

    def remarks(self, train: pd.DataFrame, sample: pd.DataFrame) -> list[str]:  # noqa: ARG002
        """Warnings about training answers that are unusual and yet valid."""
        return []

    @abstractmethod
    def summary(self, y: Targets) -> str:
        """The names and how often each answer occurs, in a few words."""

    def told(self, answer: npt.NDArray[Any]) -> str:
        """A row's true answer, an element of y, as a caption."""
        return str(answer)

    def said(self, probs: Probs) -> str:
        """A row of probs [C] as a caption."""
        return ", ".join(f"{name} {p:.2f}" for name, p in zip(self.names, probs, strict=True))

    def facts(self) -> dict[str, Any]:
        """The target as JSON, for the run."""
        return {"kind": self.kind, **asdict(self)}


def one_hot(index: Ints, count: int) -> npt.NDArray[np.bool_]:
    """Indices [N] as bool [N, count]."""
    return np.asarray(index[:, None] == np.arange(count))


def binary_losses(probs: npt.NDArray[Any], y: Targets) -> RowScores:
    """The mean binary cross-entropy of each row's cells [N, K]; float32 knows nothing beyond 1e-7."""
    p = np.clip(probs.astype(np.float64), 1e-7, 1 - 1e-7)
    return np.asarray(-(y * np.log(p) + (1 - y) * np.log1p(-p)).mean(axis=1))


def offenders(table: pd.DataFrame, wrong: "pd.Series[bool]", column: str) -> list[str]:
    """'id: value' of the rows that are wrong, for messages."""
    rows = table[np.asarray(wrong)]
    return [f"{a}: {b!r}" for a, b in zip(rows["id"], rows[column], strict=True)]
