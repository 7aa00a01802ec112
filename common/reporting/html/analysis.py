"""Out-of-fold answers of any target to what the report shows: rows, classes, curves, calibration."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from common.metrics import Form, Probs
from common.reporting.html.charts import Chart, Line, calibration_chart
from common.targets import Target, Targets

Bools = npt.NDArray[np.bool_]
MOST_CELLS = 24  # names of a confusion matrix that is a table; of more the script draws one
CURVES = 8  # ROC curves in one chart: of the labels with the least area
PANELS = 6  # columns of numbers that get a chart
DOTS = 1_500  # of a scatter chart


@dataclass(frozen=True)
class Answers:
    """Rows' probs [N, C] beside their true answers, of one run."""

    target: Target
    y: Targets
    probs: Probs

    @property
    def form(self) -> Form:
        """index: one of several names a row; sets: any of them; columns: numbers."""
        forms: tuple[Form, ...] = ("index", "sets", "columns")
        return next(form for form in forms if form in self.target.forms)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the classes, grades or labels; no and yes; empty for numbers."""
        if self.form == "columns":
            return ()
        if self.form == "index" and len(self.target.names) == 1:
            return self.target.words or ("no", "yes")
        return self.target.names

    @cached_property
    def chances(self) -> Probs:
        """The chance of each name [N, K]."""
        if self.form == "index" and self.probs.shape[1] == 1:
            return np.concatenate([1 - self.probs, self.probs], axis=1)
        return self.probs

    @cached_property
    def truth(self) -> npt.NDArray[Any]:
        """Indices [N], or bool [N, K] of sets."""
        return np.asarray(self.target.truth(self.y, self.form))

    @cached_property
    def said(self) -> npt.NDArray[Any]:
        """What the probs say, as `truth`."""
        return np.asarray(self.target.answers(self.probs, self.form))

    @cached_property
    def right(self) -> Bools | None:
        """Which rows are right [N]; None for numbers."""
        if self.form == "columns":
            return None
        same = self.truth == self.said
        return np.asarray(same if same.ndim == 1 else same.all(axis=1))

    @cached_property
    def losses(self) -> npt.NDArray[np.float64]:
        """Of each row [N]."""
        return self.target.row_losses(self.probs, self.y)

    @cached_property
    def confidence(self) -> npt.NDArray[np.float64] | None:
        """The chance of the predicted name [N]; of sets, how certain on the average; None for numbers."""
        if self.form == "columns":
            return None
        if self.form == "index":
            rows = np.arange(len(self.said))
            return np.clip(self.chances[rows, self.said].astype(np.float64), 0, 1)
        return np.clip(2 * np.abs(self.probs.astype(np.float64) - 0.5).mean(axis=1), 0, 1)

    def listed(self, answers: npt.NDArray[Any]) -> list[Any]:
        """True or predicted answers as the script reads them: indices, lists of them, or None."""
        if self.form == "index":
            return [int(each) for each in answers]
        return [np.flatnonzero(each).tolist() for each in answers]

    def gallery(self) -> dict[str, Any]:
        """The run's part of the gallery: predicted answer, confidence, loss of each row."""
        said = (
            [self.target.said(row) for row in self.probs]
            if self.form == "columns"
            else self.listed(self.said)
        )
        sure = self.confidence
        return {
            "said": said,
            "sure": None if sure is None else np.rint(sure * 1000).astype(int).tolist(),
            "loss": [float(f"{each:.4g}") for each in np.nan_to_num(self.losses, posinf=1e9)],
        }

    def true_answers(self) -> list[Any]:
        """The gallery's true answers, one a row."""
        if self.form == "columns":
            return [self.target.told(each) for each in self.y]
        return self.listed(self.truth)

    def likeliest(self, row: int, count: int = 3) -> list[tuple[int, float]]:
        """A row's names with the highest chances."""
        if self.form == "columns":
            return []
        best = np.argsort(-self.chances[row], kind="stable")[:count]
        return [(int(at), round(float(self.chances[row, at]), 4)) for at in best]

    def confusion(self) -> list[list[int]] | None:
        """Counts by true (row) and predicted name; None for sets, numbers and very many names."""
        size = len(self.names)
        if self.form != "index" or size > MOST_CELLS:
            return None
        counts = np.bincount(self.truth * size + self.said, minlength=size * size)
        return counts.reshape(size, size).tolist()  # type: ignore[no-any-return]

    def classes(self) -> list[dict[str, Any]]:
        """A row a name: how many, recall, precision, F1, mean loss; of numbers: errors by column."""
        if self.form == "columns":
            return self._columns()
        return [
            {
                "name": name,
                "n": int(n),
                "recall": _share(hits, n),
                "precision": _share(hits, calls),
                "F1": _share(2 * hits, n + calls),
                "mean loss": _share(loss, n),
            }
            for name, hits, n, calls, loss in zip(self.names, *self._counts(), strict=True)
        ]

    def _counts(self) -> tuple[npt.NDArray[Any], ...]:
        """Of each name [K]: rows that have it and are said to, that have it, that are said to, their loss."""
        if self.form == "sets":
            true, said = self.truth.astype(bool), self.said.astype(bool)
            both = (true & said).sum(axis=0)
            return both, true.sum(axis=0), said.sum(axis=0), self.losses @ true
        size, hits = len(self.names), self.truth[self.truth == self.said]
        each = (np.bincount(rows, minlength=size) for rows in (hits, self.truth, self.said))
        return *each, np.bincount(self.truth, self.losses, minlength=size)

    def _columns(self) -> list[dict[str, Any]]:
        found = []
        for at, name in enumerate(self.target.names):
            known = np.isfinite(self.y[:, at])
            true, said = self.y[known, at], self.probs[known, at].astype(np.float64)
            off = said - true
            spread = float(((true - true.mean()) ** 2).mean())
            found.append(
                {
                    "name": name,
                    "n": int(known.sum()),
                    "RMSE": float(np.sqrt((off**2).mean())),
                    "MAE": float(np.abs(off).mean()),
                    "bias": float(off.mean()),
                    "R²": 1 - float((off**2).mean()) / spread if spread else None,
                }
            )
        return found

    def charts(self) -> list[Chart]:
        """Calibration and ROC curves, or predicted against true numbers."""
        if self.form == "columns":
            return self._scatters()
        found = []
        if self.form == "index":
            assert self.confidence is not None and self.right is not None
            found.append(calibration_chart(self.confidence, self.right, "share right")[0])
        else:
            flat = self.chances.ravel().astype(np.float64)
            found.append(
                calibration_chart(np.clip(flat, 0, 1), self.truth.ravel(), "share true")[0]
            )
        if "curves" in self.target.pictures:
            found.append(self._roc())
        return found

    def _roc(self) -> Chart:
        from sklearn.metrics import roc_auc_score, roc_curve

        y = self.target.truth(self.y, "columns")
        both = [at for at in range(y.shape[1]) if 0 < y[:, at].sum() < len(y)]
        areas = {at: float(roc_auc_score(y[:, at], self.probs[:, at])) for at in both}
        shown = sorted(both, key=lambda at: areas[at])[:CURVES]
        lines = [Line([(0, 0), (1, 1)], "", -1, dashed=True)]
        for hue, at in enumerate(shown):
            false, true, _ = roc_curve(y[:, at], self.probs[:, at])
            points = list(zip(false.tolist(), true.tolist(), strict=True))
            lines.append(Line(points, f"{self.target.names[at]} {areas[at]:.4f}", hue))
        few = len(self.target.names) - len(shown)
        note = f"The {len(shown)} labels with the least area; {few} more." if few else ""
        return Chart("ROC curves", "false positive rate", "true positive rate",
                     lines, (0, 1), (0, 1), note=note)  # fmt: skip

    def _scatters(self) -> list[Chart]:
        found, rows = [], np.arange(len(self.y))
        if len(rows) > DOTS:
            rows = np.sort(np.random.default_rng(0).permutation(rows)[:DOTS])
        few = f"{DOTS:,} of {len(self.y):,} rows." if len(self.y) > DOTS else ""
        for at, name in enumerate(self.target.names[:PANELS]):
            true, said = self.y[rows, at], self.probs[rows, at].astype(np.float64)
            known = np.isfinite(true)
            dots = list(zip(true[known].tolist(), said[known].tolist(), strict=True))
            ends = [float(f(true[known], initial=np.nan)) for f in (np.fmin.reduce, np.fmax.reduce)]
            ideal = Line([(each, each) for each in ends], "", -1, dashed=True)
            lines = [ideal, Line(dots, "", 0, dots=True)]
            found.append(Chart(name, "true", "predicted", lines, note=few))
        return found


def _share(part: float, whole: float) -> float | None:
    """A share; None of nothing."""
    return float(part / whole) if whole else None
