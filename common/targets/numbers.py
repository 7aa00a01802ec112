"""K numbers a row, cells may be missing: y float64 [N, K] with nan, probs [N, K] the numbers themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from common.errors import KitError
from common.metrics import Form, Probs, RowScores
from common.progress import counted, first_of
from common.targets.target import RESERVED, Strata, Target, Targets, offenders

MISSING = ("", "na", "nan", "n/a", "null", "none")
BINS = 10  # quantiles that folds are balanced by


@dataclass(frozen=True, kw_only=True)
class Numbers(Target):
    """Numbers, as many as the table has columns of answers; a missing cell is left out of loss and score.

    Attributes:
        low, high: the ends of the scale, where it has any: answers stay within, and bce_range fits.
        shift, scale: of each column, from the training rows: what the outputs are in units of.
    """

    low: float | None = None
    high: float | None = None
    shift: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()

    kind: ClassVar[str] = "numbers"
    noun: ClassVar[str] = "numbers"
    forms: ClassVar[tuple[Form, ...]] = ("columns",)
    losses: ClassVar[tuple[str, ...]] = ("mse", "l1", "huber", "bce_range")
    pictures: ClassVar[tuple[str, ...]] = ("scatter", "worst_rows")
    refuses: ClassVar[dict[str, str]] = {
        "pseudo_threshold": "no one class is the likeliest: pseudo_threshold=0 takes soft labels",
        "noise": "confident learning compares labels, and here the answers are numbers",
        "head=rows": "the old classifier's rows stand for classes, and here the answers are numbers",
        "head=lda": "it tells classes apart, and here the answers are numbers",
        "head=logistic": "it gives chances, and here the answers are numbers: head=ridge fits them",
        "head=svm": "it tells classes apart, and here the answers are numbers: head=svr fits them",
        "label_smoothing": "there is no class whose share could be spread",
        "class_balance": "there are no classes that could be rare",
        "tta_fraction": "a number does not say how certain it is",
    }

    @property
    def refusals(self) -> Mapping[str, str]:
        if self.low is not None and self.high is not None:
            return self.refuses
        ends = "it needs both ends of the scale, as in Numbers(low=0, high=100)"
        return {**self.refuses, "loss=bce_range": ends}

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        return None, None

    @property
    def scaling(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return self.shift, self.scale

    @property
    def clamped(self) -> tuple[float | None, float | None]:
        return self.low, self.high

    def cells(self, form: Form, *, by_rank: bool, wide: bool) -> str:  # noqa: ARG002
        return "columns"

    @property
    def columns(self) -> tuple[str, ...]:
        return self.names

    def activation(self, loss: str) -> str:
        return "range" if loss == "bce_range" else "identity"

    def fitted(self, train: pd.DataFrame, sample: pd.DataFrame, source: str) -> Self:
        have = self.answer_columns(train)
        names = self.names or tuple(name for name in sample.columns[1:] if name in have) or have
        if missing := sorted(set(names) - set(have)):
            raise KitError(f"the training table lacks {first_of(missing)}, which {source} asks for")
        for name in names:
            self._check(train, name)
        y = replace(self, names=names).read(train)
        full = np.isfinite(y).sum(axis=0).tolist()
        empty = [name for name, some in zip(names, full, strict=True) if not some]
        if empty:
            raise KitError(f"column {first_of(empty)} has no number in any training row")
        spread = np.nanstd(y, axis=0)
        if self.low is not None and self.high is not None:
            shift, scale = np.full(len(names), self.low), np.full(len(names), self.high - self.low)
        else:
            shift, scale = np.nanmean(y, axis=0), np.where(spread > 0, spread, 1.0)
        return replace(self, names=names, shift=tuple(shift.tolist()), scale=tuple(scale.tolist()))

    def _check(self, train: pd.DataFrame, name: str) -> None:
        text = _stripped(train[name])
        numbers = pd.to_numeric(text, errors="coerce")
        wrong = ~np.isfinite(numbers) & ~text.str.lower().isin(MISSING)
        if wrong.any():
            raise KitError(
                f"column {name!r} has {counted(int(wrong.sum()), 'value')} not a number "
                f"({first_of(offenders(train, wrong, name))}): correct them, or leave the cells empty"
            )
        low = -np.inf if self.low is None else self.low
        high = np.inf if self.high is None else self.high
        beyond = (numbers < low) | (numbers > high)
        if beyond.any():
            raise KitError(
                f"column {name!r} has {counted(int(beyond.sum()), 'value')} outside {low:g} to {high:g} "
                f"({first_of(offenders(train, beyond, name))}): correct them, or low= and high= of the target"
            )

    def read(self, table: pd.DataFrame) -> Targets:
        cells = [pd.to_numeric(_stripped(table[name]), errors="coerce") for name in self.names]
        return np.stack([each.to_numpy(np.float64) for each in cells], axis=1)

    def soft(self, y: Targets) -> npt.NDArray[Any]:
        return ((y - np.array(self.shift)) / np.array(self.scale)).astype(np.float32)

    def strata(self, y: Targets) -> Strata:
        """The quantile of each row's mean, in units of the columns' spread; rows of none are one more."""
        known = np.isfinite(y)
        units = np.where(known, (y - np.array(self.shift)) / np.array(self.scale), 0)
        mean = units.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        edges = np.quantile(mean, np.linspace(0, 1, BINS + 1)[1:-1])
        return np.where(known.any(axis=1), np.searchsorted(edges, mean, side="right"), BINS)

    def truth(self, y: Targets, form: Form) -> npt.NDArray[Any]:  # noqa: ARG002
        return y

    def answers(self, probs: Probs, form: Form) -> npt.NDArray[Any]:  # noqa: ARG002
        return probs

    def row_losses(self, probs: Probs, y: Targets) -> RowScores:
        """The mean squared error of each row's cells, in units of the columns' spread."""
        squares = ((probs.astype(np.float64) - y) / np.array(self.scale)) ** 2
        known = np.isfinite(y)
        return np.asarray(
            np.where(known, squares, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        )

    def answer_columns(self, table: pd.DataFrame) -> tuple[str, ...]:
        return self.names or tuple(name for name in table.columns if name not in RESERVED)

    def listed(self) -> str:
        return f"{counted(len(self.names), 'number')} a row ({first_of(self.names)})"

    def summary(self, y: Targets) -> str:
        low, high = np.nanmin(y, axis=0), np.nanmax(y, axis=0)
        shown = [f"{n} {a:.4g} to {b:.4g}" for n, a, b in zip(self.names, low, high, strict=True)]
        holes = int(np.isnan(y).sum())
        lacking = f", {holes:,} cells without a number" if holes else ""
        return f"{counted(len(self.names), 'number')} a row ({first_of(shown)}){lacking}"

    def told(self, answer: npt.NDArray[Any]) -> str:
        return ", ".join("–" if np.isnan(each) else f"{each:.4g}" for each in answer)

    def said(self, probs: Probs) -> str:
        return ", ".join(f"{each:.4g}" for each in probs)


def _stripped(cells: "pd.Series[str]") -> "pd.Series[str]":
    """Cells as text without the space around it, no-break spaces too."""
    return cells.astype(str).str.strip()
